"""How the distance from the reference window has changed within the current window."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitoring.drift.samples import Column, Sample
from monitoring.drift.statistics import MIN_STANDARD_DEVIATION, compute_jensen_shannon, compute_wasserstein
from monitoring.windows import Window

MAX_POINTS = 15  # per field
MEAN_POINT_VALUES = 100  # with fewer values, the distance is about the threshold by chance
MIN_POINT_VALUES = 30
MAX_TREND_FIELDS = 12


@dataclass(frozen=True, slots=True)
class Trend:
    """Distances of a field from the reference window, one per part of the current window.

    The distance is that of the test for large samples: Wasserstein in standard deviations, or Jensen-Shannon.

    Args:
        times: the middle of each part.
        distances: None if a part has too few values.
    """

    column: Column
    times: list[datetime]
    distances: list[float | None]


def build_trend(columns: Sequence[Column], reference: Sample, current: Sample, window: Window) -> list[Trend]:
    """Return the trends of the first columns, from the samples that are read already.

    The current window is split into equal parts with enough values, at most one per bucket.
    """
    count = min(window.count, MAX_POINTS, current.size // MEAN_POINT_VALUES)
    if count < 2:
        return []
    length = -(-window.count // count) * window.step
    parts = _split_sample(current, window, length)
    times = [min(window.start + (number + 0.5) * length, window.end) for number in range(len(parts))]
    return [Trend(column, times, _measure_distances(column, reference, parts)) for column in columns[:MAX_TREND_FIELDS]]


def _split_sample(sample: Sample, window: Window, length: timedelta) -> list[Sample]:
    count = -(-(window.end - window.start) // length)
    starts = [window.start + number * length for number in range(count)]
    rows: list[list[int]] = [[] for _ in starts]
    for row, time in enumerate(sample.times):
        rows[bisect_right(starts, time) - 1].append(row)
    ends = [*starts[1:], window.end]
    return [sample.select(*part) for part in zip(starts, ends, rows, strict=True)]


def _measure_distances(column: Column, reference: Sample, parts: Sequence[Sample]) -> list[float | None]:
    measure = _prepare_measure(column, reference)
    return [measure(part) if len(part.get_values(column)) >= MIN_POINT_VALUES else None for part in parts]


def _prepare_measure(column: Column, reference: Sample) -> Callable[[Sample], float]:
    """Return a function that measures the distance of a part. What depends on the reference alone is computed once."""
    if reference.has_many_numbers(column):
        numbers = reference.get_numbers(column)
        spread = max(float(numbers.std()), MIN_STANDARD_DEVIATION)
        return lambda part: compute_wasserstein(numbers, part.get_numbers(column)) / spread
    counts = reference.count_categories(column)
    return lambda part: compute_jensen_shannon(counts, part.count_categories(column))
