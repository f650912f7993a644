"""Rollups, compared with what pandas counts in the same rows."""

import threading
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.db import connections
from django.utils import timezone

from core.tests.commands import run_command
from monitoring.models import CountedUser, RolledPeriod, Rollup
from monitoring.rollup_reader import read_tallies
from monitoring.services.rollup import delete_rollups, roll_up
from monitoring.tally import Tally, sum_tallies
from monitoring.tests.factories import assert_window, count_by_user, make_predictions
from monitoring.windows import DAY, HOUR, ROLLUP_DELAY, WINDOW_CHOICES, get_window, round_down
from predictions.models import Prediction, PredictionCount
from predictions.services.summaries import update_summaries
from predictions.tests.factories import change_predictions

pytestmark = pytest.mark.django_db


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def predictions(shades, flowers, user, other, now):
    """Return predictions of 16 days and two versions, some at the first and last microsecond of hours and days."""
    rng = np.random.default_rng(1)
    times = [now - timedelta(days=16) * float(share) for share in rng.random(600)]
    edges = [round_down(now, DAY) - number * HOUR for number in range(0, 60)]
    edges += [edge - timedelta(microseconds=1) for edge in edges]
    users = [user, other, None]
    return make_predictions(shades, users, times + edges) + make_predictions(flowers, users, times[:100], seed=6)


def count_completed_hours(predictions, now):
    first = round_down(min(row.created_at for row in predictions), HOUR)
    return (round_down(now - ROLLUP_DELAY, HOUR) - first) // HOUR


@pytest.mark.parametrize("name", WINDOW_CHOICES)
@pytest.mark.parametrize("max_hours", [None, 0, 7, 100])
def test_counts_are_exact_whatever_is_rolled_up(predictions, shades, now, name, max_hours):
    if max_hours != 0:
        roll_up(max_hours=max_hours)
    assert_window(name, now)
    assert_window(name, now, [shades.pk])


def test_all_completed_hours_and_days_are_rolled_up_once(predictions, now):
    hours = count_completed_hours(predictions, now)
    assert roll_up() == hours
    assert roll_up() == 0
    assert RolledPeriod.objects.filter(hours=1).count() == hours
    assert RolledPeriod.objects.filter(hours=24).count() >= 14
    for length in (1, 24):
        rows = Rollup.objects.filter(period__hours=length).values()
        assert len(rows) > 20
        assert sum(Tally.from_columns(row).predictions for row in rows) <= len(predictions)


def test_several_limited_runs_give_the_same_rollups(predictions):
    while roll_up(max_hours=50):
        pass
    limited = list_rollups()
    delete_rollups(since=datetime(2000, 1, 1, tzinfo=UTC))
    assert not RolledPeriod.objects.exists()
    roll_up()
    assert list_rollups() == limited


def list_rollups():
    rows = Rollup.objects.values_list("period__start", "period__hours", "model_version", "counts")
    return sorted((start, hours, str(version), sorted(counts["label"].items())) for start, hours, version, counts in rows)


def test_predictions_stored_within_the_delay_are_counted(shades, user, now):
    hour = round_down(now - ROLLUP_DELAY, HOUR)
    make_predictions(shades, [user], [hour - timedelta(seconds=1), hour - HOUR])
    roll_up()
    make_predictions(shades, [user], [hour, hour + timedelta(seconds=1), now - timedelta(seconds=1)], seed=9)
    assert_window("24h", now)
    assert roll_up() == 0
    assert_window("7d", now)


def test_an_hour_is_rolled_up_after_the_delay(shades, user, now):
    hour = round_down(now, HOUR) - 5 * HOUR
    make_predictions(shades, [user], [hour + timedelta(minutes=59)])
    assert timedelta(minutes=5) <= ROLLUP_DELAY
    assert roll_up(now=hour + HOUR + ROLLUP_DELAY - timedelta(seconds=1)) == 0
    assert roll_up(now=hour + HOUR + ROLLUP_DELAY) == 1


def test_an_hour_with_a_running_prediction_is_not_rolled_up(shades, user, now):
    rows = make_predictions(shades, [user], [now - 5 * HOUR, now - 6 * HOUR])
    running = Prediction.objects.filter(pk=rows[0].pk)
    changes = {"output": None, "error_code": "", "label": "", "confidence": None}
    change_predictions(running, status="running", completed_at=None, **changes)
    roll_up()
    assert not RolledPeriod.objects.filter(start=round_down(now - 5 * HOUR, HOUR)).exists()
    assert_window("24h", now)
    running.update(status="failed", error_code="model-failed", completed_at=now)
    assert roll_up() == 1
    assert_window("24h", now)


def test_predictions_of_a_deleted_user_stay_in_rollups(predictions, other, now):
    roll_up()
    window = get_window("7d", now=now)
    before = count_by_user(sum_tallies(read_tallies(window).values()))
    user_id = str(other.pk)
    other.delete()
    after = count_by_user(sum_tallies(read_tallies(window).values()))
    assert before[user_id] > 20
    recent = after.pop(user_id, 0)  # no hour of these predictions is rolled up
    assert recent < before[user_id]
    before[""] += before.pop(user_id) - recent
    assert after == before


def test_a_deleted_user_leaves_no_id_in_rollups(predictions, other):
    roll_up()
    other.delete()
    assert not Rollup.objects.exclude(counts__user={}).exists()
    assert CountedUser.objects.filter(user=None).count() == 1
    assert CountedUser.objects.exclude(user=None).count() == 1


def test_deleted_rollups_are_created_again(predictions, shades, user, now):
    roll_up()
    update_summaries()
    make_predictions(shades, [user], [now - 3 * DAY], seed=8)
    counts = PredictionCount.objects.filter(day__gte=round_down(now, DAY) - 3 * DAY)
    assert counts.exists()
    before = RolledPeriod.objects.count()
    assert delete_rollups(since=now - 3 * DAY) > 70
    assert not counts.exists()
    assert 0 < RolledPeriod.objects.count() < before
    assert_window("7d", now)
    roll_up()
    assert RolledPeriod.objects.count() == before
    assert_window("7d", now)


def test_without_predictions_nothing_is_rolled_up(db):
    assert roll_up() == 0


def test_the_command_rolls_up_and_repeats_from_a_time_on(predictions, now):
    hours = count_completed_hours(predictions, now)
    assert run_command("roll_up") == (f"Rolled up {hours} hours.\n", "", None)
    assert run_command("roll_up")[0] == "Rolled up 0 hours.\n"
    assert PredictionCount.objects.exists()
    since = round_down(timezone.now(), DAY) - DAY
    assert int(run_command("roll_up", "--again-since", since.isoformat())[0].split()[2]) >= 23
    for text in ("soon", "2026-99-01T00:00:00Z", "0001-01-01"):
        assert f"Received: '{text}'" in str(run_command("roll_up", "--again-since", text)[2])


@pytest.mark.django_db(transaction=True)
def test_concurrent_runs_roll_up_each_hour_once(predictions, now):
    hours = count_completed_hours(predictions, now)
    counts, barrier = [], threading.Barrier(4)

    def run():
        barrier.wait()
        try:
            counts.append(roll_up())
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(counts) == 4
    assert sum(counts) == hours == RolledPeriod.objects.filter(hours=1).count()
    assert_window("7d", now)
