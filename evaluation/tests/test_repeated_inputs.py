"""The comparison of two versions reads only inputs that were submitted more than once. Its result stays the same."""

import time
from collections import defaultdict
from datetime import timedelta

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from evaluation.comparison import compare_versions
from evaluation.tests.factories import LABELS, build_review, make_predictions
from predictions.models import Input, Prediction, Review, ReviewSummary
from predictions.models.input import ERASED_SHA256
from predictions.services import repeated_inputs, withdraw_review
from predictions.services.summaries import SUMMARY_DELAY, delete_summaries, freeze_summaries, update_summaries
from predictions.tests.plans import explain, on_postgresql
from registry.services import register_model

pytestmark = pytest.mark.django_db


@pytest.fixture
def versions(shades, write_dummy):
    return [shades, register_model(path=write_dummy(fixed=[0, 0, 1]))]


@pytest.fixture
def draw(versions, user, reviewer):
    """Return a function that stores predictions of random versions for few inputs, and reviews of some predictions."""
    rng = np.random.default_rng(3)

    def draw(count):
        rows = []
        for version in versions:
            outputs = [{"label": str(label)} for label in rng.choice(LABELS, count)]
            rows += make_predictions(version, user, outputs)
        for row in rows:
            row.input.sha256 = f"{rng.integers(1, 16):064x}"
        Input.objects.bulk_update([row.input for row in rows], ["sha256"])
        reviewed = list(Prediction.objects.filter(reviews=None).order_by("id")[::3])
        Review.objects.bulk_create(build_review(row, reviewer, str(rng.choice(LABELS))) for row in reviewed)
        return rows

    return draw


def update():
    time.sleep(0.002)  # IDs contain milliseconds: rows of the current one are left to the next update
    update_summaries(now=timezone.now() + SUMMARY_DELAY)


def count_pairs(versions):
    """Compare the versions in Python. Return the numbers of inputs: all, both correct, only the first, only the second."""
    true_labels, outputs = {}, defaultdict(dict)
    for row in Review.objects.filter(withdrawn_at=None).order_by("id").select_related("prediction__input"):
        true_labels[row.prediction.input.sha256] = row.true_label
    for row in Prediction.objects.order_by("id").select_related("input"):
        outputs[row.input.sha256][row.model_version_id] = row.label
    counts = [0, 0, 0, 0]
    for sha256, true_label in true_labels.items():
        if len(outputs[sha256]) == 2:
            first, second = (outputs[sha256][version.pk] == true_label for version in versions)
            for number, applies in enumerate((True, first and second, first and not second, second and not first)):
                counts[number] += applies
    return counts


def assert_same(versions, reviewer):
    comparison = compare_versions(*versions, reader=reviewer)
    counts = [comparison.n, comparison.both, comparison.only_first, comparison.only_second]
    assert counts == count_pairs(versions)
    return comparison.n


def test_the_comparison_is_the_same_before_and_after_each_update(draw, versions, reviewer):
    sizes = [assert_same(versions, reviewer)]
    for count in (8, 0, 3, 4):
        rows = draw(count)
        sizes.append(assert_same(versions, reviewer))
        update()
        assert assert_same(versions, reviewer) == sizes[-1]
        for row in rows[:1]:
            for review in row.reviews.filter(withdrawn_at=None):
                withdraw_review(prediction=row, reviewer=review.reviewer)
        assert_same(versions, reviewer)
    assert sizes[0] == 0 < sizes[1] < sizes[-1], sizes
    assert {*ReviewSummary.objects.values_list("is_repeated", flat=True)} == {True, False}
    assert not ReviewSummary.objects.filter(sha256="").exists()
    delete_summaries(since=timezone.now() - timedelta(days=1))
    assert_same(versions, reviewer)
    update()
    assert_same(versions, reviewer)


def test_small_transactions_find_the_same_inputs(draw, versions, reviewer, monkeypatch):
    monkeypatch.setattr(repeated_inputs, "ROWS_PER_TRANSACTION", 4)
    for _ in range(2):
        draw(8)
        update()
        assert assert_same(versions, reviewer) > 0


def test_a_later_prediction_of_the_same_input_marks_the_summary(versions, user, reviewer):
    rows = make_predictions(versions[0], user, [{"label": "grey"}] * 3)
    Review.objects.bulk_create(build_review(row, reviewer, "grey") for row in rows[1:])
    update()
    assert list(ReviewSummary.objects.values_list("is_repeated", flat=True)) == [False, False]
    later = make_predictions(versions[1], user, [{"label": "white"}])[0]
    Prediction.objects.filter(pk=later.pk).delete()
    later.input = rows[2].input
    later.save(force_insert=True)  # as a replay does
    assert assert_same(versions, reviewer) == 1
    update()
    assert ReviewSummary.objects.get(is_repeated=True).prediction_id == rows[2].pk
    assert assert_same(versions, reviewer) == 1


def test_removed_inputs_are_not_repeated(versions, user, reviewer):
    rows = make_predictions(versions[0], user, [{"label": "grey"}] * 3)
    Review.objects.bulk_create(build_review(row, reviewer, "grey") for row in rows)
    Input.objects.filter(pk__in=[rows[0].input_id, rows[1].input_id]).update(sha256=ERASED_SHA256)
    update()
    assert not ReviewSummary.objects.exclude(is_repeated=False).exists()
    assert ReviewSummary.objects.filter(sha256="").count() == 2
    freeze_summaries(predictions=[rows[2].pk])
    assert not ReviewSummary.objects.exclude(sha256="").exists()


@on_postgresql
def test_the_comparison_reads_summaries_from_an_index(draw, versions, reviewer):
    draw(20)
    update()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        cursor.execute("SET LOCAL enable_seqscan = off")
    with CaptureQueriesContext(connection) as captured:
        compare_versions(*versions, reader=reviewer)
    plan = explain(query["sql"] for query in captured)
    assert "reviewsummary_repeated" in plan
    assert "Seq Scan on predictions_review " not in plan
