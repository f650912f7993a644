"""What is rolled up, against pandas on the same rows: late ones, at the edges of hours, without a user, counted twice."""

import threading
from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from django.db import connection, connections
from django.utils import timezone

from core.tests.commands import run_command
from monitoring.models import RolledPeriod, Rollup
from monitoring.rollup_reader import read_cells
from monitoring.services.rollup import LAG, forget_rollups, roll_up
from monitoring.tally import from_columns, pack, total, unpack
from monitoring.tests.factories import assert_window, make_predictions, read_frame
from monitoring.windows import CHOICES, DAY, HOUR, floor, get_window
from predictions.models import Prediction

pytestmark = pytest.mark.django_db


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def filled(shades, flowers, user, other, now):
    """Fill 16 days of two versions, with rows on the very edges of hours and days."""
    rng = np.random.default_rng(1)
    moments = [now - timedelta(days=16) * float(share) for share in rng.random(600)]
    edges = [floor(now, DAY) - number * HOUR for number in range(0, 60)]
    edges += [edge - timedelta(microseconds=1) for edge in edges]
    people = [user, other, None]
    return make_predictions(shades, people, moments + edges) + make_predictions(flowers, people, moments[:100], seed=6)


@pytest.mark.parametrize("name", CHOICES)
@pytest.mark.parametrize("rolled", [None, 0, 7, 100])
def test_a_window_is_what_pandas_counts_whatever_is_rolled_up(filled, shades, now, name, rolled):
    if rolled != 0:
        roll_up(most=rolled)
    assert_window(name, now)
    assert_window(name, now, [shades.pk])


def test_all_hours_that_are_over_are_counted_once_and_days_from_them(filled, now):
    first = floor(min(one.created_at for one in filled), HOUR)
    hours = (floor(now - LAG, HOUR) - first) // HOUR
    assert roll_up() == hours
    assert roll_up() == 0
    assert RolledPeriod.objects.filter(hours=1).count() == hours
    assert RolledPeriod.objects.filter(hours=24).count() >= 14
    for length in (1, 24):
        rows = Rollup.objects.filter(period__hours=length).values()
        assert len(rows) > 20
        assert sum(from_columns(row).predictions for row in rows) <= len(filled)


def test_bounded_calls_end_up_with_the_same(filled):
    while roll_up(most=50):
        pass
    bounded = totals()
    forget_rollups(since=datetime(2000, 1, 1, tzinfo=UTC))
    assert not RolledPeriod.objects.exists()
    roll_up()
    assert totals() == bounded


def totals():
    rows = Rollup.objects.values_list("period__start", "period__hours", "model_version", "counts")
    return sorted((start, hours, str(version), sorted(counts["label"].items())) for start, hours, version, counts in rows)


def test_what_arrives_within_the_lag_is_not_lost(shades, user, now):
    hour = floor(now - LAG, HOUR)
    make_predictions(shades, [user], [hour - timedelta(seconds=1), hour - HOUR])
    roll_up()
    make_predictions(shades, [user], [hour, hour + timedelta(seconds=1), now - timedelta(seconds=1)], seed=9)
    assert_window("24h", now)
    assert roll_up() == 0
    assert_window("7d", now)


def test_an_hour_is_counted_when_it_has_been_over_for_a_while(shades, user, now):
    hour = floor(now, HOUR) - 5 * HOUR
    make_predictions(shades, [user], [hour + timedelta(minutes=59)])
    assert timedelta(minutes=5) <= LAG
    assert roll_up(now=hour + HOUR + LAG - timedelta(seconds=1)) == 0
    assert roll_up(now=hour + HOUR + LAG) == 1


def test_an_hour_waits_for_what_is_still_running(shades, user, now):
    rows = make_predictions(shades, [user], [now - 5 * HOUR, now - 6 * HOUR])
    running = Prediction.objects.filter(pk=rows[0].pk)
    running.update(status="running", completed_at=None, output=None, error_code="", label="", confidence=None)
    roll_up()
    assert not RolledPeriod.objects.filter(start=floor(now - 5 * HOUR, HOUR)).exists()
    assert_window("24h", now)
    running.update(status="failed", error_code="model-failed", completed_at=now)
    assert roll_up() == 1
    assert_window("24h", now)


def test_a_deleted_users_predictions_are_nobodys(filled, other, now):
    roll_up()
    key = str(other.pk)
    other.delete()
    window = get_window("7d", now=now)
    tally = total(read_cells(window).values())
    alive = {str(pk) for pk in Prediction.objects.exclude(user=None).values_list("user", flat=True)}
    assert key in tally.counts["user"]
    found = Counter()
    for user, n in tally.counts["user"].items():
        found[user if user in alive else ""] += n
    rows = read_frame()
    rows = rows[rows["created_at"] >= window.before.start]
    outside = rows[(rows["created_at"] >= window.before.end) & (rows["created_at"] < window.start)]
    assert len(outside) == 0 or window.before.end <= window.start
    rows = rows.drop(outside.index)
    assert found == Counter("" if pd.isna(user) else str(user) for user in rows["user"])


def test_what_was_changed_by_hand_is_counted_again(filled, shades, user, now):
    roll_up()
    make_predictions(shades, [user], [now - 3 * DAY], seed=8)
    before = RolledPeriod.objects.count()
    assert forget_rollups(since=now - 3 * DAY) > 70
    assert 0 < RolledPeriod.objects.count() < before
    assert_window("7d", now)
    roll_up()
    assert RolledPeriod.objects.count() == before
    assert_window("7d", now)


def test_nothing_is_rolled_up_of_nothing(db):
    assert roll_up() == 0


def test_the_command_counts_and_counts_again(filled):
    out, _, error = run_command("roll_up")
    assert error is None
    assert "hours counted." in out
    assert run_command("roll_up")[0].strip() == "0 hours counted."
    again = floor(timezone.now(), DAY) - DAY
    assert int(run_command("roll_up", "--again-since", again.isoformat())[0].split()[0]) >= 23
    for wrong in ("soon", "2026-99-01T00:00:00Z"):
        assert "Received: " + wrong in str(run_command("roll_up", "--again-since", wrong)[2])


def test_latencies_are_packed_without_loss():
    rng = np.random.default_rng(2)
    values = [rng.integers(0, 10**12, 1000), rng.integers(0, 5000, 5000)]
    assert unpack(pack(values)).tolist() == np.sort(np.concatenate(values)).tolist()
    assert unpack(pack([])).tolist() == []
    assert len(pack([values[1]])) < 2 * 5000


@pytest.mark.django_db(transaction=True)
def test_two_at_once_count_no_hour_twice(filled, now):
    hours = (floor(now - LAG, HOUR) - floor(min(one.created_at for one in filled), HOUR)) // HOUR
    found, start = [], threading.Barrier(4)

    def work():
        start.wait()
        try:
            found.append(roll_up())
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(found) == 4
    assert sum(found) == hours == RolledPeriod.objects.filter(hours=1).count()
    assert_window("7d", now)
    assert connection.vendor in ("sqlite", "postgresql")
