"""The counts of a window and of the one before: from what is rolled up, and the rest from the ledger."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from monitoring.aggregation import Cells, Range, count_ledger
from monitoring.models import RolledPeriod, Rollup
from monitoring.tally import Tally, from_columns
from monitoring.windows import DAY, HOUR, Window, floor

COLUMNS = ("counts", "confidences", "confidence_sum", "input_bytes", "latencies")
Periods = dict[tuple[datetime, int], UUID]


def read_cells(window: Window, *, versions: Sequence[UUID] | None = None) -> Cells:
    """Return what each version did in each bucket of a window and of the window before it.

    Exact whatever is rolled up: an hour that is not, or lies across an end of a window, is counted in the ledger, where
    the index on the time of creation finds it.
    """
    periods = _periods(window)
    rolled: list[UUID] = []
    gaps: list[Range] = []
    for one in (window.before, window):
        _cover(one, periods, rolled, gaps)
    cells: Cells = defaultdict(Tally)
    for start, version, tally in [*_rolled(rolled, versions), *_counted(gaps, versions)]:
        cells[floor(start, window.step), version].add(tally)
    return cells


def _periods(window: Window) -> Periods:
    rows = RolledPeriod.objects.filter(start__gte=window.before.start, start__lt=window.end)
    return {(start, hours): key for key, start, hours in rows.values_list("pk", "start", "hours")}


def _cover(window: Window, periods: Periods, rolled: list[UUID], gaps: list[Range]) -> None:
    """Walk through a window in the longest steps that are rolled up; what is left are gaps."""
    here = window.start
    while here < window.end:
        hours = next((n for n in (24, 1) if (here, n) in periods and here + n * HOUR <= window.end), 0)
        if hours == 24 and window.step != DAY:
            hours = 1 if (here, 1) in periods else 0
        if hours:
            rolled.append(periods[here, hours])
        else:
            _extend(gaps, here, min(here + HOUR, window.end))
        here += (hours or 1) * HOUR


def _extend(gaps: list[Range], start: datetime, end: datetime) -> None:
    if gaps and gaps[-1][1] == start:
        gaps[-1] = (gaps[-1][0], end)
    else:
        gaps.append((start, end))


def _rolled(periods: Sequence[UUID], versions: Sequence[UUID] | None) -> Iterator[tuple[datetime, UUID, Tally]]:
    rows: Any = Rollup.objects.filter(period__in=periods)
    if versions is not None:
        rows = rows.filter(model_version__in=versions)
    for start, version, *columns in rows.values_list("period__start", "model_version", *COLUMNS):
        yield start, version, from_columns(dict(zip(COLUMNS, columns, strict=True)))


def _counted(gaps: Sequence[Range], versions: Sequence[UUID] | None) -> Iterator[tuple[datetime, UUID, Tally]]:
    for (start, version), tally in count_ledger(gaps, versions=versions).items():
        yield start, version, tally
