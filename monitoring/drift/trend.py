"""How the distance from the reference window has changed within the current window."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from monitoring.drift.samples import Column, Sample, count_categories, drop_missing
from monitoring.drift.statistics import MIN_STANDARD_DEVIATION, compute_jensen_shannon, compute_wasserstein
from monitoring.windows import Window

MAX_POINTS = 15  # per field
MEAN_POINT_VALUES = 100  # with fewer values, the distance is about the threshold by chance
MIN_POINT_VALUES = 30
MAX_TREND_FIELDS = 12
MAX_REFERENCE_VALUES = 2000  # of numbers, because each part is compared with all of them


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
    parts = _split_rows(current, window, length)
    times = [min(window.start + (number + 0.5) * length, window.end) for number in range(len(parts))]
    return [
        Trend(column, times, _measure_distances(column, reference, current, parts)) for column in columns[:MAX_TREND_FIELDS]
    ]


def _split_rows(sample: Sample, window: Window, length: timedelta) -> list[list[int]]:
    """Return the positions in the sample of the predictions of each part of the window."""
    starts = [window.start + number * length for number in range(-(-(window.end - window.start) // length))]
    rows: list[list[int]] = [[] for _ in starts]
    for row, time in enumerate(sample.times):
        rows[bisect_right(starts, time) - 1].append(row)
    return rows


def _measure_distances(column: Column, reference: Sample, current: Sample, parts: Sequence[list[int]]) -> list[float | None]:
    if reference.has_many_numbers(column):
        numbers = reference.get_numbers(column)
        spread = max(float(numbers.std()), MIN_STANDARD_DEVIATION)
        numbers = numbers[:: -(-len(numbers) // MAX_REFERENCE_VALUES)]
        all_numbers = current.get_column_numbers(column)
        number_groups = [all_numbers[np.array(rows, np.intp)] for rows in parts]
        number_groups = [group[~np.isnan(group)] for group in number_groups]
        return [
            compute_wasserstein(numbers, group) / spread if len(group) >= MIN_POINT_VALUES else None
            for group in number_groups
        ]
    counts = reference.count_categories(column)
    values = current.get_column(column)
    groups = [drop_missing([values[row] for row in rows]) for rows in parts]
    return [
        compute_jensen_shannon(counts, count_categories(group)) if len(group) >= MIN_POINT_VALUES else None
        for group in groups
    ]
