"""The metrics are the same whether reviews have been summarized or not, and read no large table."""

from dataclasses import asdict
from datetime import timedelta

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from uuid_utils.compat import uuid7

from evaluation.report import evaluate_version
from evaluation.tests.factories import LABELS, make_predictions
from predictions.models import Prediction, PredictionCount, Review, ReviewSummary, SummaryProgress
from predictions.services import review_prediction, withdraw_review
from predictions.services.summaries import delete_summaries, update_summaries
from predictions.summary_sql import count_reviewed
from predictions.tests.factories import allow_changes, change_predictions
from predictions.tests.plans import explain, on_postgresql
from predictions.usage import count_succeeded
from registry.services import register_model

pytestmark = pytest.mark.django_db
AGE = timedelta(days=5)


def build_old_reviews(predictions, reviewers, columns, rng):
    """Return unsaved reviews of old predictions, some of them withdrawn, in the order of their ids."""
    rows = []
    for prediction in predictions:
        for reviewer in reviewers:
            created = prediction.created_at + timedelta(minutes=int(rng.integers(1, 60)))
            withdrawn = created + timedelta(minutes=5) if rng.random() < 0.2 else None
            picked_by = str(rng.choice(["random", "uncertain", "manual"]))
            fields = {"created_at": created, "withdrawn_at": withdrawn, "picked_by": picked_by, **columns(prediction)}
            rows.append(
                Review(
                    id=uuid7(nanoseconds=int(created.timestamp() * 1e9)), prediction=prediction, reviewer=reviewer, **fields
                )
            )
    return rows


def make_old_predictions(version, users, outputs):
    """Store predictions of the last days, every hour."""
    start = timezone.now() - AGE
    rows = make_predictions(version, None, outputs)
    for number, row in enumerate(rows):
        row.user, row.created_at = users[number % len(users)], start + number * timedelta(hours=1)
    with allow_changes():
        Prediction.objects.bulk_update(rows, ["user", "created_at"])
    return rows


def list_evaluations(version, readers):
    """Return the metrics for several readers, samples, and starts."""
    now = timezone.now()
    starts = (now - AGE + timedelta(hours=30, minutes=7), now - timedelta(hours=1))
    filters = [{"since": since} for since in starts] + [{"picked_by": name} for name in ("", "random", "uncertain")]
    return [evaluate_version(version, reader=reader, **options) for reader in readers for options in filters]


def evaluate_without_summaries(version, readers):
    """Return the metrics that are computed from the source tables alone."""
    progress = list(SummaryProgress.objects.all())
    SummaryProgress.objects.all().delete()
    evaluations = list_evaluations(version, readers)
    SummaryProgress.objects.bulk_create(progress)
    return evaluations


def assert_same(version, readers):
    expected = evaluate_without_summaries(version, readers)
    actual = list_evaluations(version, readers)
    for first, second in zip(expected, actual, strict=True):
        assert flatten(second) == pytest.approx(flatten(first), rel=1e-12)
    return expected


def flatten(value):
    """Return the numbers of an evaluation. Sums of floats may differ in their last digit."""
    numbers, rest = [], [asdict(value)]
    while rest:
        item = rest.pop()
        if isinstance(item, dict):
            rest += item.values()
        elif isinstance(item, list | tuple):
            rest += item
        elif isinstance(item, int | float):
            numbers.append(item)
        elif item is None:
            numbers.append(-1)
    return numbers


@pytest.fixture
def label_rows(shades, user, other, reviewer):
    rng = np.random.default_rng(2)
    outputs = [{"label": str(label), "confidence": float(rng.random())} for label in rng.choice(LABELS, 110)]
    predictions = make_old_predictions(shades, [user, other], outputs)

    def draw(prediction):
        if rng.random() < 0.1:
            return {"verdict": "unsure"}
        label = prediction.label if rng.random() < 0.6 else str(rng.choice(LABELS))
        return {"verdict": "correct" if label == prediction.label else "incorrect", "true_label": label}

    Review.objects.bulk_create(build_old_reviews(predictions[:80], [reviewer, other], draw, rng))
    return predictions


def test_summaries_give_the_metrics_of_the_reviews(label_rows, shades, user, other, reviewer):
    readers = (reviewer, user)
    update_summaries()
    assert 60 < ReviewSummary.objects.count() < 80
    assert PredictionCount.objects.count() >= 8
    expected = assert_same(shades, readers)
    assert expected[2].kappa_n > 40
    assert expected[2].random.n > 20
    assert expected[2].predictions == 110
    # reviews that are newer than the summaries: new, replaced, and withdrawn ones
    review_prediction(prediction=label_rows[100], reviewer=reviewer, true_label="grey")
    for prediction in label_rows[:10]:
        review_prediction(prediction=prediction, reviewer=reviewer, true_label="white", picked_by="random")
    for prediction in label_rows[10:20]:
        withdraw_review(prediction=prediction, reviewer=reviewer)
        withdraw_review(prediction=prediction, reviewer=other)
    changed = assert_same(shades, readers)
    assert changed[2].reviewed < expected[2].reviewed
    # the summaries include them when they are old enough
    update_summaries(now=timezone.now() + timedelta(hours=1))
    assert not ReviewSummary.objects.filter(prediction__in=[row.pk for row in label_rows[10:20]]).exists()
    assert assert_same(shades, readers)[2] == changed[2]
    # other people's accounts are deleted, and summaries are deleted and computed again
    other.delete()
    assert assert_same(shades, readers)[2].kappa_n == 0
    assert Review.objects.filter(prediction=label_rows[75]).delete()[0]
    delete_summaries(since=timezone.now() - timedelta(days=2))
    assert_same(shades, readers)
    update_summaries()
    assert_same(shades, readers)


def test_a_day_is_counted_when_none_of_its_predictions_is_open(label_rows, shades, reviewer):
    open_row = label_rows[30]
    change_predictions(Prediction.objects.filter(pk=open_row.pk), status="running", output=None, completed_at=None)
    update_summaries()
    assert PredictionCount.objects.exists()
    assert not PredictionCount.objects.filter(day__gt=open_row.created_at - timedelta(days=1)).exists()
    open_row.save()
    assert count_succeeded(shades, reader=reviewer) == len(label_rows)
    update_summaries()
    assert PredictionCount.objects.filter(day__gt=open_row.created_at - timedelta(days=1)).exists()
    assert count_succeeded(shades, reader=reviewer) == len(label_rows)


def test_other_versions_are_not_counted(label_rows, write_dummy, reviewer):
    second = register_model(path=write_dummy())
    update_summaries()
    assert PredictionCount.objects.exists()
    evaluation = evaluate_version(second, reader=reviewer)
    assert (evaluation.predictions, evaluation.reviewed) == (0, 0)


def test_summaries_give_the_metrics_of_values(flowers, user, reviewer):
    rng = np.random.default_rng(4)
    predictions = make_old_predictions(flowers, [user], [{"value": float(value)} for value in rng.normal(0, 3, 90)])

    def draw(prediction):
        if rng.random() < 0.3:
            return {"verdict": "correct"}
        return {"verdict": "incorrect", "true_value": prediction.value + float(rng.normal())}

    Review.objects.bulk_create(build_old_reviews(predictions[:70], [reviewer], draw, rng))
    update_summaries()
    assert assert_same(flowers, [reviewer])[2].regression.n > 30
    review_prediction(prediction=predictions[3], reviewer=reviewer, true_value=9)
    assert_same(flowers, [reviewer])


def test_summaries_give_the_metrics_of_lists_of_labels(blends, user, reviewer):
    rng = np.random.default_rng(6)
    lists = [[label for label in LABELS if rng.random() < 0.5] for _ in range(60)]
    outputs = [{"output": {"scores": {}, "labels": labels}} for labels in lists]
    predictions = make_old_predictions(blends, [user], outputs)

    def draw(prediction):
        if rng.random() < 0.3:
            return {"verdict": "correct"}
        return {"verdict": "incorrect", "true_labels": [label for label in LABELS if rng.random() < 0.5]}

    Review.objects.bulk_create(build_old_reviews(predictions[:50], [reviewer], draw, rng))
    update_summaries()
    assert assert_same(blends, [reviewer])[2].multi_label.n > 30
    review_prediction(prediction=predictions[3], reviewer=reviewer, true_labels=["grey"])
    assert_same(blends, [reviewer])


def test_reviewed_predictions_are_counted_without_their_summaries(label_rows, shades, reviewer, other):
    def assert_count():
        reviewed = Prediction.objects.filter(reviews__withdrawn_at=None, reviews__isnull=False).distinct()
        middle = label_rows[40].created_at
        assert count_reviewed() == count_reviewed(model_version__in=[shades.pk]) == reviewed.count()
        assert count_reviewed(created_at__lt=middle) == reviewed.filter(created_at__lt=middle).count()

    assert_count()
    update_summaries()
    assert_count()
    for prediction in label_rows[10:20]:
        withdraw_review(prediction=prediction, reviewer=reviewer)
        withdraw_review(prediction=prediction, reviewer=other)
    for prediction in label_rows[78:83]:
        review_prediction(prediction=prediction, reviewer=reviewer, true_label="white")
    assert_count()


@on_postgresql
def test_reviewed_predictions_are_counted_in_an_index_alone(label_rows):
    update_summaries()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
    with CaptureQueriesContext(connection) as captured:
        count_reviewed(created_at__gte=label_rows[40].created_at)
    plan = explain(query["sql"] for query in captured)
    assert "Index Only Scan using reviewsummary_" in plan  # a small table has several that cost the same


@on_postgresql
def test_no_statement_scans_predictions_or_reviews(label_rows, shades, reviewer):
    update_summaries()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    with CaptureQueriesContext(connection) as captured:
        list_evaluations(shades, [reviewer])
    plan = explain(query["sql"] for query in captured)
    for index in ("reviewsummary_version", "review_withdrawn_at", "predictioncount_version"):
        assert index in plan
    for table in ("prediction", "review"):
        assert f"Seq Scan on predictions_{table} " not in plan
