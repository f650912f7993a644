"""Labels of multi-label models on the operations page and in the drift report."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from inference.tests.factories import make_image
from monitoring.drift.report import build_drift_report
from monitoring.drift.samples import draw_sample, list_columns
from monitoring.report import build_report
from monitoring.services.rollup import roll_up
from monitoring.windows import get_window
from predictions.tests.factories import change_predictions, make_prediction

pytestmark = pytest.mark.django_db
LABELS = ("black", "grey", "white")
DARK, WHITE = make_image(64), make_image(255)


@pytest.fixture
def predictions(blends, user):
    rows = [make_prediction(user, data) for data in (DARK, DARK, WHITE)]
    change_predictions(created_at=timezone.now() - timedelta(hours=5))
    return rows


@pytest.mark.parametrize("is_rolled_up", [False, True])
def test_each_label_of_a_prediction_is_counted(predictions, is_rolled_up):
    if is_rolled_up:
        roll_up()
    metrics = build_report(get_window("24h", now=timezone.now()))
    assert {row.name: row.current for row in metrics.labels} == {"black": 2, "grey": 2, "white": 1}
    assert (metrics.predictions.current, metrics.confidence) == (3, (None, None))


def test_drift_compares_the_number_of_labels_per_prediction(predictions, blends):
    now = timezone.now()
    assert [column.name for column in list_columns(blends)] == ["label_count"]
    sample = draw_sample(blends, now - timedelta(days=1), now)
    assert sorted(sample.get_values(next(list_columns(blends)))) == [1, 2, 2]
    sentences = [column.sentence for column in build_drift_report(blends, get_window("7d", now=now)).columns]
    assert sentences == ["labels per prediction: not enough values to compare."]


def test_the_operations_page_lists_the_labels(predictions, client, reviewer):
    client.force_login(reviewer)
    html = client.get(f"{reverse('monitoring:operations')}?model=blends").content.decode()
    assert all(
        f'<th scope="row">{label}</th>' in " ".join(html.split()).replace("> ", ">").replace(" <", "<") for label in LABELS
    )
    assert "?label=black" not in html  # the history cannot be filtered by it
