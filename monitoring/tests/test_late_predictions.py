"""Predictions that become final long after they were created are counted in the hour and the day of their creation."""

from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

import core.tasks
from evaluation.report import evaluate_version
from inference.tests.factories import make_image
from monitoring.drift.samples import draw_sample
from monitoring.models import RolledPeriod
from monitoring.services.rollup import roll_up
from monitoring.tests.factories import assert_window, make_predictions
from monitoring.windows import DAY, HOUR, round_down
from predictions.models import Prediction, PredictionCount
from predictions.review_strategies import ReviewQueue
from predictions.services.background import cancel_prediction, queue_prediction, requeue_lost, run_queued_prediction
from predictions.services.background.transitions import claim_prediction
from predictions.services.summaries import update_summaries
from predictions.usage import count_succeeded

pytestmark = pytest.mark.django_db
AGE = timedelta(days=3)


@pytest.fixture(autouse=True)
def _no_worker(monkeypatch):
    monkeypatch.setattr(core.tasks, "_enqueue", lambda name, row_id: None)


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def late(shades, flowers, user, now):
    """Return a prediction that is queued since three days ago, among others that are final."""
    start = round_down(now - AGE, DAY)
    make_predictions(shades, [user], [start + number * HOUR / 2 for number in range(120)])
    prediction = queue_prediction(user=user, source="api", image=ContentFile(make_image(255), name="a.png"))
    Prediction.objects.filter(pk=prediction.pk).update(created_at=start + 7.3 * HOUR)
    prediction.refresh_from_db()
    return prediction


def assert_counts(version, reviewer, now, late):
    """Compare all counts with those of the rows."""
    rows = Prediction.objects.filter(model_version=version, status="succeeded")
    start = round_down(now - AGE, DAY)
    for name in ("24h", "7d", "30d"):
        assert_window(name, now)
    for since in (None, start, start + DAY):
        expected = rows.filter(created_at__gte=since) if since else rows
        assert count_succeeded(version, since=since) == expected.count()
    assert draw_sample(version, start, start + DAY).total == rows.filter(created_at__lt=start + DAY).count()
    assert evaluate_version(version, reader=reviewer).predictions == rows.count()
    in_queue = {row.pk for row in ReviewQueue(version, "newest").get_predictions()}
    assert in_queue == set(rows.values_list("pk", flat=True))


@pytest.mark.parametrize("outcome", ["succeeded", "failed", "canceled"])
def test_late_predictions_are_counted(late, shades, reviewer, now, outcome):
    hour, day = round_down(late.created_at, HOUR), round_down(late.created_at, DAY)
    for _ in range(2):
        roll_up()
        update_summaries()
        assert not RolledPeriod.objects.filter(start=hour).exists()
        assert not RolledPeriod.objects.filter(start=day, hours=24).exists()
        assert RolledPeriod.objects.filter(start__gte=day, start__lt=day + DAY, hours=1).count() == 23
        assert not PredictionCount.objects.filter(day__gte=day).exists()
        assert_counts(shades, reviewer, now, late)
    if outcome == "canceled":
        cancel_prediction(prediction=late)
    else:
        if outcome == "failed":
            late.input.image.delete(save=False)
        run_queued_prediction(str(late.pk))
    late.refresh_from_db()
    assert late.status == outcome and late.completed_at - late.created_at > 2 * DAY
    assert_counts(shades, reviewer, now, late)
    for _ in range(2):
        roll_up()
        update_summaries()
        assert RolledPeriod.objects.filter(start=hour, hours=1).exists()
        assert RolledPeriod.objects.filter(start=day, hours=24).exists()
        assert PredictionCount.objects.filter(day=day).exists()
        assert_counts(shades, reviewer, now, late)


def test_a_prediction_that_was_queued_again_does_not_change_counted_hours(late, shades, reviewer, now):
    """A lost worker puts a running prediction back. Its hour stays uncounted meanwhile."""
    claim_prediction(late.pk)
    roll_up()
    requeue_lost(now=now + DAY)
    roll_up()
    assert not RolledPeriod.objects.filter(start=round_down(late.created_at, HOUR)).exists()
    assert_counts(shades, reviewer, now, late)
