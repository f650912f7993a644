"""What is rolled up, against pandas on the same rows: late ones, at the edges of hours, without a user, counted twice."""

import threading
from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from django.db import connection, connections
from django.utils import timezone

from monitoring.models import RolledPeriod, Rollup
from monitoring.rollup_reader import read_cells
from monitoring.services.rollup import LAG, forget_rollups, roll_up
from monitoring.tally import from_columns, pack, total, unpack
from monitoring.windows import CHOICES, DAY, HOUR, floor, get_window
from predictions.models import Input, Prediction
from predictions.tests.test_commands import run

pytestmark = pytest.mark.django_db
LABELS = ["black", "grey", "white"]


def made_up(version, people, moments, seed=5):
    """Store predictions of all kinds at some moments."""
    rng = np.random.default_rng(seed)
    inputs = [
        Input(
            user=None, kind="tabular", features={"n": n}, sha256=f"{n:064x}", size=int(rng.integers(1, 9999)), created_at=at
        )
        for n, at in enumerate(moments)
    ]
    Input.objects.bulk_create(inputs)
    rows = []
    for one, at in zip(inputs, moments, strict=True):
        columns = {"status": "succeeded", "output": {}, "label": str(rng.choice(LABELS)), "confidence": rng.random()}
        if rng.random() < 0.2:
            columns = {"status": "failed", "error_code": str(rng.choice(["model-failed", "inference-timeout"]))}
        times = np.round(rng.lognormal(1, 1, 3), 3).tolist()
        if rng.random() < 0.1:
            times[2] = None
        columns |= dict(zip(("preprocess_ms", "queue_ms", "inference_ms"), times, strict=True))
        user = people[rng.integers(0, len(people))]
        rows.append(
            Prediction(input=one, model_version=version, user=user, source="api", created_at=at, completed_at=at, **columns)
        )
    return Prediction.objects.bulk_create(rows)


def frame(versions=None):
    """Return the ledger as pandas reads it."""
    fields = ("created_at", "model_version", "status", "error_code", "label", "user", "confidence", "input__size")
    rows = Prediction.objects.values(*fields, "preprocess_ms", "queue_ms", "inference_ms")
    found = pd.DataFrame(rows)
    found["took"] = found[["preprocess_ms", "queue_ms", "inference_ms"]].astype(float).sum(axis=1, skipna=False)
    return found if versions is None else found[found["model_version"].isin(versions)]


def counted(values):
    return Counter(str(value) if value else "" for value in values if value is not None and value == value)


def check(tally, rows):
    """Assert that a tally is what pandas finds in the rows."""
    assert tally.predictions == len(rows)
    assert tally.counts["status"] == counted(rows["status"])
    assert tally.counts["error"] == counted(rows.loc[rows["error_code"] != "", "error_code"])
    assert tally.counts["label"] == counted(rows.loc[rows["label"] != "", "label"])
    assert tally.counts["user"] == Counter("" if pd.isna(user) else str(user) for user in rows["user"])
    assert tally.confidences == rows["confidence"].count()
    assert tally.confidence_sum == pytest.approx(rows["confidence"].astype(float).sum())
    assert tally.input_bytes == rows["input__size"].sum()
    if rows["took"].count():
        found = tally.quantiles(0.5, 0.95, 0.99)
        assert found == pytest.approx(rows["took"].quantile([0.5, 0.95, 0.99]).tolist(), rel=1e-12)
    else:
        assert tally.quantiles(0.5) == [None]


def check_window(name, now, versions=None):
    """Assert that each bucket of a window and the one before is what pandas finds."""
    window, rows = get_window(name, now=now), frame(versions)
    cells = read_cells(window, versions=versions)
    assert len(window.buckets) == window.count
    for one in (window.before, window):
        inside = rows[(rows["created_at"] >= one.start) & (rows["created_at"] < one.end)]
        check(total(tally for (start, _), tally in cells.items() if one.holds(start)), inside)
        for start in one.buckets:
            part = inside[(inside["created_at"] >= start) & (inside["created_at"] < start + one.step)]
            check(total(tally for (at, _), tally in cells.items() if at == start), part)


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
    return made_up(shades, people, moments + edges) + made_up(flowers, people, moments[:100], seed=6)


@pytest.mark.parametrize("name", CHOICES)
@pytest.mark.parametrize("rolled", [None, 0, 7, 100])
def test_a_window_is_what_pandas_counts_whatever_is_rolled_up(filled, shades, now, name, rolled):
    if rolled != 0:
        roll_up(most=rolled)
    check_window(name, now)
    check_window(name, now, [shades.pk])


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
    made_up(shades, [user], [hour - timedelta(seconds=1), hour - HOUR])
    roll_up()
    made_up(shades, [user], [hour, hour + timedelta(seconds=1), now - timedelta(seconds=1)], seed=9)
    check_window("24h", now)
    assert roll_up() == 0
    check_window("7d", now)


def test_an_hour_is_counted_when_it_has_been_over_for_a_while(shades, user, now):
    hour = floor(now, HOUR) - 5 * HOUR
    made_up(shades, [user], [hour + timedelta(minutes=59)])
    assert timedelta(minutes=5) <= LAG
    assert roll_up(now=hour + HOUR + LAG - timedelta(seconds=1)) == 0
    assert roll_up(now=hour + HOUR + LAG) == 1


def test_an_hour_waits_for_what_is_still_running(shades, user, now):
    rows = made_up(shades, [user], [now - 5 * HOUR, now - 6 * HOUR])
    running = Prediction.objects.filter(pk=rows[0].pk)
    running.update(status="running", completed_at=None, output=None, error_code="", label="", confidence=None)
    roll_up()
    assert not RolledPeriod.objects.filter(start=floor(now - 5 * HOUR, HOUR)).exists()
    check_window("24h", now)
    running.update(status="failed", error_code="model-failed", completed_at=now)
    assert roll_up() == 1
    check_window("24h", now)


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
    rows = frame()
    rows = rows[rows["created_at"] >= window.before.start]
    outside = rows[(rows["created_at"] >= window.before.end) & (rows["created_at"] < window.start)]
    assert len(outside) == 0 or window.before.end <= window.start
    rows = rows.drop(outside.index)
    assert found == Counter("" if pd.isna(user) else str(user) for user in rows["user"])


def test_what_was_changed_by_hand_is_counted_again(filled, shades, user, now):
    roll_up()
    made_up(shades, [user], [now - 3 * DAY], seed=8)
    before = RolledPeriod.objects.count()
    assert forget_rollups(since=now - 3 * DAY) > 70
    assert 0 < RolledPeriod.objects.count() < before
    check_window("7d", now)
    roll_up()
    assert RolledPeriod.objects.count() == before
    check_window("7d", now)


def test_nothing_is_rolled_up_of_nothing(db):
    assert roll_up() == 0


def test_the_command_counts_and_counts_again(filled):
    out, _, error = run("roll_up")
    assert error is None
    assert "hours counted." in out
    assert run("roll_up")[0].strip() == "0 hours counted."
    again = floor(timezone.now(), DAY) - DAY
    assert int(run("roll_up", "--again-since", again.isoformat())[0].split()[0]) >= 23
    for wrong in ("soon", "2026-99-01T00:00:00Z"):
        assert "Received: " + wrong in str(run("roll_up", "--again-since", wrong)[2])


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
    check_window("7d", now)
    assert connection.vendor in ("sqlite", "postgresql")
