"""Metrics of a window, compared with what pandas computes from the same rows."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from django.utils import timezone

from core.fields import get_first_id
from monitoring.busiest_users import NO_ACCOUNT
from monitoring.report import build_report
from monitoring.services.rollup import roll_up
from monitoring.tests.factories import filter_window, make_predictions, read_frame
from monitoring.windows import DAY, HOUR, WINDOW_CHOICES, get_window
from predictions.models import Prediction, Review


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def predictions(shades, flowers, user, other, reviewer, now):
    """Return predictions of 16 days. Every third one has reviews, of which some are withdrawn."""
    rng = np.random.default_rng(4)
    times = [now - 16 * DAY * float(share) for share in rng.random(400)]
    rows = make_predictions(shades, [user, other, None], times) + make_predictions(flowers, [other], times[:80], seed=3)
    succeeded = [row for row in rows if row.status == "succeeded"][::3]
    Review.objects.bulk_create(
        Review(
            prediction=row,
            reviewer=person,
            verdict="correct",
            picked_by="random",
            withdrawn_at=now if n % 5 == 0 else None,
        )
        for n, row in enumerate(succeeded)
        for person in ([reviewer, user] if n % 2 else [reviewer])
    )
    return rows


def split_frame(window, versions=None):
    """Return the rows of a window and those of the previous window."""
    frame = read_frame(versions)
    return [filter_window(frame, part) for part in (window, window.previous)]


def approximate(values):
    return [None if value is None or value != value else pytest.approx(float(value)) for value in values]


@pytest.mark.django_db
@pytest.mark.parametrize("name", WINDOW_CHOICES)
@pytest.mark.parametrize("only_shades", [False, True])
def test_metrics_of_both_windows_equal_those_of_pandas(predictions, shades, now, name, only_shades):
    roll_up()
    versions = [shades.pk] if only_shades else None
    window = get_window(name, now=now)
    metrics, frames = build_report(window, versions=versions), split_frame(window, versions)
    assert list(metrics.predictions) == [len(frame) for frame in frames]
    assert list(metrics.failed) == approximate((frame["status"] == "failed").mean() for frame in frames)
    assert list(metrics.confidence) == approximate(frame["confidence"].astype(float).mean() for frame in frames)
    assert list(metrics.input_bytes) == [frame["input__size"].sum() for frame in frames]
    for key, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        assert list(metrics.latency[key]) == approximate(frame["latency"].quantile(share) for frame in frames)
    reviewed = set(Review.objects.active().values_list("prediction", flat=True))
    succeeded = [list_succeeded(part, versions) for part in (window, window.previous)]
    assert list(metrics.awaiting_review) == [len(ids - reviewed) for ids in succeeded]


def list_succeeded(window, versions):
    rows = Prediction.objects.filter(status="succeeded", created_at__gte=window.start, created_at__lt=window.end)
    return set((rows if versions is None else rows.filter(model_version__in=versions)).values_list("pk", flat=True))


@pytest.mark.django_db
def test_counts_by_code_label_user_and_version_equal_those_of_pandas(predictions, flowers, now):
    window = get_window("7d", now=now)
    metrics, (frame, previous) = build_report(window), split_frame(window)
    for rows, column in ((metrics.errors, "error_code"), (metrics.labels, "label")):
        counts = frame.loc[frame[column] != "", column].value_counts()
        previous_counts = previous.loc[previous[column] != "", column].value_counts()
        assert {row.name: row.current for row in rows} == counts.to_dict()
        assert {row.name: row.previous for row in rows} == previous_counts.to_dict()
        assert [row.share for row in rows] == pytest.approx([counts[row.name] / counts.sum() for row in rows])
        assert [row.current for row in rows] == sorted(counts, reverse=True)
    expected = Prediction.objects.filter(created_at__gte=window.start, created_at__lt=window.end)
    assert {row.name: row.current for row in metrics.users} == {
        "ada": expected.filter(user__username="ada").count(),
        "eve": expected.filter(user__username="eve").count(),
        NO_ACCOUNT: expected.filter(user=None).count(),
    }
    assert metrics.versions[flowers.pk].current == (frame["model_version"] == flowers.pk).sum()
    assert sum(count.current for count in metrics.versions.values()) == len(frame)


@pytest.mark.django_db
def test_deleted_users_are_counted_together(predictions, other, now):
    roll_up()
    before = {row.name: row.current for row in build_report(get_window("7d", now=now)).users}
    other.delete()
    after = {row.name: row.current for row in build_report(get_window("7d", now=now)).users}
    assert after == {"ada": before["ada"], NO_ACCOUNT: before[NO_ACCOUNT] + before["eve"]}


@pytest.mark.django_db
def test_each_bucket_has_its_own_latency_and_confidence(predictions, now):
    window = get_window("7d", now=now)
    metrics, (frame, _) = build_report(window), split_frame(window)
    assert [bucket.start for bucket in metrics.buckets] == window.buckets
    days = frame.groupby(frame["created_at"].dt.floor("D"))
    # Shortly after midnight, today has few predictions: perhaps none, or none with a confidence.
    p95 = days["latency"].quantile(0.95).dropna()
    confidence = days["confidence"].apply(lambda values: values.astype(float).mean()).dropna()
    starts = [pd.Timestamp(start) for start in window.buckets]
    assert [bucket.p95 for bucket in metrics.buckets] == pytest.approx([p95.get(start) for start in starts])
    assert [bucket.tally.mean_confidence for bucket in metrics.buckets] == pytest.approx(
        [confidence.get(start) for start in starts]
    )


@pytest.mark.django_db
def test_an_empty_window_has_no_metrics(now, django_assert_num_queries):
    # The periods; the hours without rollup, three times; the reviews, four times; the numbers of deleted users.
    with django_assert_num_queries(9):
        metrics = build_report(get_window("90d", now=now))
    assert metrics.predictions == (0, 0)
    assert metrics.failed == metrics.confidence == metrics.latency["p99"] == (None, None)
    assert metrics.errors == metrics.labels == metrics.users == []
    assert len(metrics.buckets) == 90


@pytest.mark.django_db
def test_all_windows_need_the_same_number_of_queries(predictions, shades, user, now, django_assert_num_queries):
    roll_up()
    make_predictions(shades, [user], [now - timedelta(seconds=1)])
    for name in WINDOW_CHOICES:
        with django_assert_num_queries(12):
            build_report(get_window(name, now=now))


def test_the_first_id_of_a_moment_is_below_all_ids_of_that_moment():
    from demo.services.seed.timestamps import build_id, to_timestamp

    time = datetime(2026, 3, 5, 14, 20, tzinfo=UTC)
    for moment in (time, time + timedelta(milliseconds=1), time + HOUR):
        assert get_first_id(moment) <= build_id(to_timestamp(moment))
        assert get_first_id(moment) > build_id(to_timestamp(moment) - 1)
