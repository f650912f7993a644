"""Counts of a window and of the previous one: from rollups, and otherwise from the predictions table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from monitoring.aggregation import TimeRange, count_predictions
from monitoring.models import RolledPeriod, Rollup
from monitoring.tally import ROLLUP_COLUMNS, Tallies, Tally
from monitoring.windows import DAY, HOUR, Window, round_down

PeriodIds = dict[tuple[datetime, timedelta], UUID]
"""Ids of rolled periods by start and length."""


def read_tallies(window: Window, *, versions: Sequence[UUID] | None = None) -> Tallies:
    """Return the counts of each bucket of a window and of the previous window, by model version.

    The counts are exact regardless of which periods are rolled up: hours without a rollup, and hours that are only partly
    in a window, are counted in the predictions table, with the index on the creation time.
    """
    period_ids = _read_periods(window)
    rolled: list[UUID] = []
    gaps: list[TimeRange] = []
    for part in (window.previous, window):
        _split_window(part, period_ids, rolled, gaps)
    tallies: Tallies = defaultdict(Tally)
    for (start, version), tally in count_predictions(gaps, versions=versions).items():
        tallies[round_down(start, window.step), version].add(tally)
    rollups = Rollup.objects.filter(period__in=rolled)
    if versions is not None:
        rollups = rollups.filter(model_version__in=versions)
    for start, version, *columns in rollups.values_list("period__start", "model_version", *ROLLUP_COLUMNS):
        tally = Tally.from_columns(dict(zip(ROLLUP_COLUMNS, columns, strict=True)))
        tallies[round_down(start, window.step), version].add(tally)
    return tallies


def _read_periods(window: Window) -> PeriodIds:
    rows = RolledPeriod.objects.filter(start__gte=window.previous.start, start__lt=window.end)
    return {(start, hours * HOUR): pk for pk, start, hours in rows.values_list("pk", "start", "hours")}


def _split_window(window: Window, period_ids: PeriodIds, rolled: list[UUID], gaps: list[TimeRange]) -> None:
    """Add the longest rolled periods that fit into a window to `rolled`, and the rest of the window to `gaps`."""
    lengths = (DAY, HOUR) if window.step == DAY else (HOUR,)
    start = window.start
    while start < window.end:
        length = next((size for size in lengths if (start, size) in period_ids and start + size <= window.end), None)
        if length:
            rolled.append(period_ids[start, length])
        else:
            _add_gap(gaps, start, min(start + HOUR, window.end))
        start += length or HOUR


def _add_gap(gaps: list[TimeRange], start: datetime, end: datetime) -> None:
    """Add a range to the gaps, or extend the last gap if it ends where the range starts."""
    if gaps and gaps[-1][1] == start:
        gaps[-1] = (gaps[-1][0], end)
    else:
        gaps.append((start, end))
