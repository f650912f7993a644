"""Predictions that become final long after they were created are counted in the hour and the day of their creation."""

from datetime import timedelta
from itertools import combinations

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
from predictions.usage import count_succeeded, count_succeeded_between

pytestmark = pytest.mark.django_db
AGE = timedelta(days=3)


@pytest.fixture(autouse=True)
def _no_worker(monkeypatch):
    monkeypatch.setattr(core.tasks, "_enqueue", lambda name, row_id: None)


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def queue_late(shades, flowers, user, now):
    """Return a function that queues predictions three days ago, at some hours of a day with others that are final."""
    start = round_down(now - AGE, DAY)
    make_predictions(shades, [user], [start + number * HOUR for number in range(60)])

    def queue(hours):
        prediction = queue_prediction(user=user, source="api", image=ContentFile(make_image(255), name="a.png"))
        Prediction.objects.filter(pk=prediction.pk).update(created_at=start + hours * HOUR)
        prediction.refresh_from_db()
        return prediction

    return queue


def assert_counts(version, reviewer, now):
    """Compare all counts with those of the rows."""
    rows = Prediction.objects.filter(model_version=version, status="succeeded")
    start = round_down(now - AGE, DAY)
    for name in ("24h", "7d", "30d"):
        assert_window(name, now)
    for since in (None, start, start + DAY):
        expected = rows.filter(created_at__gte=since) if since else rows
        assert count_succeeded(version, since=since) == expected.count()
    moments = [start, start + 7.5 * HOUR, start + DAY, start + 1.5 * DAY, now - HOUR, now]
    for first, last in combinations(moments, 2):
        expected = rows.filter(created_at__gte=first, created_at__lt=last)
        assert count_succeeded_between(version, first, last) == expected.count()
    assert draw_sample(version, start, start + DAY).total == rows.filter(created_at__lt=start + DAY).count()
    assert evaluate_version(version, reader=reviewer).predictions == rows.count()
    in_queue = {row.pk for row in ReviewQueue(version, "newest").get_predictions()}
    assert in_queue == set(rows.values_list("pk", flat=True))


def test_late_predictions_are_counted(queue_late, shades, reviewer, now):
    late = {"succeeded": queue_late(7.3), "failed": queue_late(9.3), "canceled": queue_late(11.3)}
    day = round_down(now - AGE, DAY)
    open_hours = {round_down(prediction.created_at, HOUR) for prediction in late.values()}
    late["failed"].input.image.delete(save=False)
    for outcome, prediction in [(None, None), *late.items()]:
        if outcome == "canceled":
            cancel_prediction(prediction=prediction)
        elif outcome:
            run_queued_prediction(str(prediction.pk))
        if outcome:
            prediction.refresh_from_db()
            assert prediction.status == outcome and prediction.completed_at - prediction.created_at > 2 * DAY
            open_hours.remove(round_down(prediction.created_at, HOUR))
            assert_counts(shades, reviewer, now)
        roll_up()
        update_summaries()
        rolled = RolledPeriod.objects.filter(start__gte=day, start__lt=day + DAY, hours=1).values_list("start", flat=True)
        assert set(rolled) == {day + number * HOUR for number in range(24)} - open_hours
        assert RolledPeriod.objects.filter(start=day, hours=24).exists() == (not open_hours)
        assert PredictionCount.objects.filter(day=day).exists() == (not open_hours)
        assert_counts(shades, reviewer, now)
    roll_up()  # again, which changes nothing
    update_summaries()
    assert_counts(shades, reviewer, now)


def test_a_prediction_that_was_queued_again_does_not_change_counted_hours(queue_late, shades, reviewer, now):
    """A lost worker puts a running prediction back. Its hour stays uncounted meanwhile."""
    late = queue_late(7.3)
    claim_prediction(late.pk)
    roll_up()
    requeue_lost(now=now + DAY)
    roll_up()
    assert not RolledPeriod.objects.filter(start=round_down(late.created_at, HOUR)).exists()
    assert_counts(shades, reviewer, now)
