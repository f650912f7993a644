"""Time windows and their previous windows."""

from datetime import UTC, datetime

import pytest

from monitoring.windows import DAY, get_window

NOW = datetime(2026, 3, 5, 14, 20, tzinfo=UTC)


def test_an_hourly_window_ends_now_and_the_previous_one_has_the_same_length():
    window = get_window("24h", now=NOW)
    assert (window.start, window.end) == (datetime(2026, 3, 4, 15, tzinfo=UTC), NOW)
    assert window.buckets[-1] == datetime(2026, 3, 5, 14, tzinfo=UTC)
    assert (window.previous.start, window.previous.end) == (window.start - DAY, NOW - DAY)
    assert window.duration_text == "24 hours"


@pytest.mark.parametrize(("name", "days"), [("7d", 7), ("30d", 30), ("90d", 90)])
def test_a_daily_window_starts_at_midnight(name, days):
    window = get_window(name, now=NOW)
    assert window.start == datetime(2026, 3, 6, tzinfo=UTC) - days * DAY
    assert len(window.buckets) == days
    assert window.buckets[-1] == datetime(2026, 3, 5, tzinfo=UTC)
    assert window.previous.end == NOW - days * DAY
    assert window.duration_text == f"{days} days"
    assert window.contains(window.start)
    assert not window.contains(window.end)
