"""The figures of operations, against pandas on the same rows."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from django.utils import timezone

from monitoring.metrics import Pair
from monitoring.presentation import COUNT, FAILED, SIZE, SURE, TIME, card, change
from monitoring.report import NOBODY, build_report, first_id
from monitoring.services.rollup import roll_up
from monitoring.tests.factories import make_predictions, read_frame
from monitoring.windows import CHOICES, DAY, HOUR, get_window
from predictions.models import Prediction, Review

LATE = datetime(2026, 3, 5, 14, 20, tzinfo=UTC)


# --- windows


def test_a_window_by_hours_ends_now_and_the_one_before_is_as_long():
    window = get_window("24h", now=LATE)
    assert (window.start, window.end) == (datetime(2026, 3, 4, 15, tzinfo=UTC), LATE)
    assert window.buckets[-1] == datetime(2026, 3, 5, 14, tzinfo=UTC)
    assert (window.before.start, window.before.end) == (window.start - DAY, LATE - DAY)
    assert window.words == "24 hours"


@pytest.mark.parametrize(("name", "days"), [("7d", 7), ("30d", 30), ("90d", 90)])
def test_a_window_by_days_begins_at_midnight(name, days):
    window = get_window(name, now=LATE)
    assert window.start == datetime(2026, 3, 6, tzinfo=UTC) - days * DAY
    assert len(window.buckets) == days
    assert window.buckets[-1] == datetime(2026, 3, 5, tzinfo=UTC)
    assert window.before.end == LATE - days * DAY
    assert window.holds(window.start)
    assert not window.holds(window.end)


# --- figures


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def filled(shades, flowers, user, other, reviewer, now):
    rng = np.random.default_rng(4)
    moments = [now - 16 * DAY * float(share) for share in rng.random(400)]
    rows = make_predictions(shades, [user, other, None], moments) + make_predictions(flowers, [other], moments[:80], seed=3)
    answers = [one for one in rows if one.status == "succeeded"][::3]
    Review.objects.bulk_create(
        Review(
            prediction=one, reviewer=person, verdict="correct", picked_by="random", withdrawn_at=now if n % 5 == 0 else None
        )
        for n, one in enumerate(answers)
        for person in ([reviewer, user] if n % 2 else [reviewer])
    )
    return rows


def sides(window, versions=None):
    rows = read_frame(versions)
    return [rows[(rows["created_at"] >= one.start) & (rows["created_at"] < one.end)] for one in (window, window.before)]


def pair(values):
    return [None if value is None or value != value else pytest.approx(float(value)) for value in values]


@pytest.mark.django_db
@pytest.mark.parametrize("name", CHOICES)
@pytest.mark.parametrize("only", [False, True])
def test_each_figure_and_the_one_before_is_pandas(filled, shades, now, name, only):
    roll_up()
    versions = [shades.pk] if only else None
    window = get_window(name, now=now)
    found, both = build_report(window, versions=versions), sides(window, versions)
    assert list(found.predictions) == [len(side) for side in both]
    assert list(found.failed) == pair((side["status"] == "failed").mean() for side in both)
    assert list(found.confidence) == pair(side["confidence"].astype(float).mean() for side in both)
    assert list(found.input_bytes) == [side["input__size"].sum() for side in both]
    for title, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        assert list(found.latency[title]) == pair(side["took"].quantile(share) for side in both)
    judged = set(Review.objects.active().values_list("prediction", flat=True))
    get_review_queue = [{row["id"] for row in rows_in(one, versions)} - judged for one in (window, window.before)]
    assert list(found.awaiting) == [len(one) for one in get_review_queue]


def rows_in(window, versions):
    rows = Prediction.objects.filter(status="succeeded", created_at__gte=window.start, created_at__lt=window.end)
    return (rows if versions is None else rows.filter(model_version__in=versions)).values("id")


@pytest.mark.django_db
def test_codes_labels_users_and_versions_are_pandas(filled, shades, flowers, now):
    window = get_window("7d", now=now)
    found, (side, before) = build_report(window), sides(window)
    for rows, column in ((found.errors, "error_code"), (found.labels, "label")):
        counts = side.loc[side[column] != "", column].value_counts()
        earlier = before.loc[before[column] != "", column].value_counts()
        assert {row.name: row.now for row in rows} == counts.to_dict()
        assert {row.name: row.before for row in rows} == earlier.to_dict()
        assert [row.share for row in rows] == pytest.approx([counts[row.name] / counts.sum() for row in rows])
        assert [row.now for row in rows] == sorted(counts, reverse=True)
    names = {row.name: row.now for row in found.users}
    expected = Prediction.objects.filter(created_at__gte=window.start, created_at__lt=window.end)
    assert names == {name: expected.filter(user__username=name).count() for name in ("ada", "eve")} | {
        NOBODY: expected.filter(user=None).count()
    }
    assert found.versions[flowers.pk].now == (side["model_version"] == flowers.pk).sum()
    assert sum(one.now for one in found.versions.values()) == len(side)


@pytest.mark.django_db
def test_a_user_who_is_gone_is_counted_with_the_others_who_are(filled, other, now):
    roll_up()
    before = {row.name: row.now for row in build_report(get_window("7d", now=now)).users}
    other.delete()
    after = {row.name: row.now for row in build_report(get_window("7d", now=now)).users}
    assert after == {"ada": before["ada"], NOBODY: before[NOBODY] + before["eve"]}


@pytest.mark.django_db
def test_each_bucket_has_its_latencies_and_mean(filled, now):
    window = get_window("7d", now=now)
    found, (side, _) = build_report(window), sides(window)
    assert [one.start for one in found.buckets] == window.buckets
    days = side.groupby(side["created_at"].dt.floor("D"))
    p95, sure = days["took"].quantile(0.95), days["confidence"].apply(lambda values: values.astype(float).mean())
    assert [one.p95 for one in found.buckets] == pytest.approx([p95[pd.Timestamp(start)] for start in window.buckets])
    assert [one.tally.mean_confidence for one in found.buckets] == pytest.approx([sure[start] for start in window.buckets])


@pytest.mark.django_db
def test_of_nothing_nothing_is_known(now, django_assert_num_queries):
    with django_assert_num_queries(4):  # the periods; what is not rolled up, twice; the opinions
        found = build_report(get_window("90d", now=now))
    assert found.predictions == (0, 0)
    assert found.failed == found.confidence == found.latency["p99"] == (None, None)
    assert found.errors == found.labels == found.users == []
    assert len(found.buckets) == 90


@pytest.mark.django_db
def test_it_takes_the_same_queries_for_each_window(filled, now, django_assert_num_queries):
    roll_up()
    for name in CHOICES:
        with django_assert_num_queries(6):
            build_report(get_window(name, now=now))


def test_the_first_id_of_a_moment_is_not_above_any_made_then():
    from demo.services.seed.timestamps import id_at, moment_of

    for moment in (LATE, LATE + timedelta(milliseconds=1), LATE + HOUR):
        assert first_id(moment) <= id_at(moment_of(moment))
        assert first_id(moment) > id_at(moment_of(moment) - 1)


# --- in words


@pytest.mark.parametrize(
    ("kind", "now", "before", "words"),
    [
        (COUNT, 112, 100, "12.0 % more than in the 7 days before (100)"),
        (COUNT, 1000, 1200, "16.7 % fewer than in the 7 days before (1,200)"),
        (COUNT, 600, 100, "6.0 times as many as in the 7 days before (100)"),
        (COUNT, 0, 100, "100.0 % fewer than in the 7 days before (100)"),
        (COUNT, 100, 100, "as in the 7 days before"),
        (COUNT, 5, 0, "none in the 7 days before"),
        (COUNT, 0, 0, "none in the 7 days before either"),
        (FAILED, 0.05, 0.02, "3.0 points higher than in the 7 days before (2.0 %)"),
        (FAILED, 0.0, 0.02, "2.0 points lower than in the 7 days before (2.0 %)"),
        (FAILED, 0.02, 0.0, "2.0 points higher than in the 7 days before (0.0 %)"),
        (FAILED, 0.9231, 0.92309, "as in the 7 days before"),
        (FAILED, None, 0.5, "50.0 % in the 7 days before"),
        (FAILED, None, None, "none in the 7 days before either"),
        (TIME, 9.0, 6.0, "50.0 % slower than in the 7 days before (6.0 ms)"),
        (TIME, 3.0, 6.0, "50.0 % faster than in the 7 days before (6.0 ms)"),
        (TIME, 3.0, None, "none in the 7 days before"),
        (SIZE, 3000000, 1500000, "100.0 % more than in the 7 days before (1.4\xa0MB)"),
    ],
)
def test_a_change_is_told_in_words(kind, now, before, words):
    assert change(Pair(now, before), kind, "7 days") == words


def test_an_arrow_only_repeats_what_the_words_say():
    arrows = [card("", Pair(*both), COUNT, "7 days").arrow for both in ((2, 1), (1, 2), (1, 1), (1, 0), (None, None))]
    assert arrows == ["↑", "↓", "", "", ""]


@pytest.mark.parametrize(
    ("kind", "now", "before", "stands_out"),
    [
        (COUNT, 150, 100, True),
        (COUNT, 149, 100, False),
        (COUNT, 100, 150, True),
        (COUNT, 40, 0, True),
        (COUNT, 0, 0, False),
        (TIME, 9.1, 6.0, True),
        (TIME, 8.9, 6.0, False),
        (FAILED, 0.031, 0.02, True),
        (FAILED, 0.029, 0.02, False),
        (FAILED, 0.0, 0.02, True),
        (SURE, 0.93, 0.952, True),
        (SURE, 0.94, 0.952, False),
        (SURE, None, 0.952, False),
        (SURE, 0.94, None, False),
    ],
)
def test_what_changed_much_stands_out(kind, now, before, stands_out):
    assert card("", Pair(now, before), kind, "7 days").notable is stands_out
