"""Review strategies: the order of the review queue."""

import re

import pytest
from django.db import connection

from inference.tests.factories import make_image
from predictions.review_strategies import STRATEGIES, ReviewQueue, get_strategies
from predictions.tests.factories import make_prediction

pytestmark = pytest.mark.django_db


@pytest.fixture
def predictions(shades, user):
    """Return nine predictions with different scores."""
    return [make_prediction(user, make_image(shade)) for shade in (0, 30, 60, 90, 120, 150, 180, 210, 255)]


def test_strategies_define_the_order(predictions, shades):
    by_id = {prediction.pk: prediction for prediction in predictions}
    walked = {
        strategy: [by_id[row.pk] for row in ReviewQueue(shades, strategy, "grey").get_predictions()]
        for strategy in STRATEGIES
    }
    grey = [prediction for prediction in predictions if prediction.label == "grey"]
    assert [len(rows) for rows in walked.values()] == [9, 9, 9, len(grey), 9]
    assert walked["newest"] == predictions[::-1]
    confidences = [prediction.confidence for prediction in walked["uncertain"]]
    assert confidences == sorted(confidences)
    assert confidences != [prediction.confidence for prediction in predictions]
    margins = [prediction.compute_margin() for prediction in walked["margin"]]
    assert margins == sorted(margins)
    assert {prediction.label for prediction in walked["label"]} == {"grey"}
    random_bits = [prediction.pk.hex[-8:] for prediction in walked["random"]]
    assert random_bits == sorted(prediction.pk.hex[-8:] for prediction in predictions)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_an_index_serves_each_strategy_without_sorting(predictions, shades, strategy):
    rows = ReviewQueue(shades, strategy, "grey").get_predictions()[:1]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_sort = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")
    assert not re.search(r"TEMP B-TREE|Sort Key", rows.explain()), rows.explain()


def test_strategies_depend_on_the_output(shades, flowers):
    assert get_strategies(shades) == list(STRATEGIES)
    assert get_strategies(flowers) == ["random", "newest"]
