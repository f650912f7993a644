"""How the distance from the reference window has changed within the current window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from monitoring.drift.samples import Column, Sample
from monitoring.drift.statistics import (
    MAX_CATEGORY_VALUES,
    MIN_STANDARD_DEVIATION,
    compute_jensen_shannon,
    compute_wasserstein,
)
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
    return [
        Trend(column, times, [_measure_distance(column, reference, part) for part in parts])
        for column in columns[:MAX_TREND_FIELDS]
    ]


def _split_sample(sample: Sample, window: Window, length: timedelta) -> list[Sample]:
    count = -(-(window.end - window.start) // length)
    starts = [window.start + number * length for number in range(count)]
    parts = [Sample(start, min(start + length, window.end), 0) for start in starts]
    for row in sample.rows:
        parts[min((row["created_at"] - window.start) // length, count - 1)].rows.append(row)
    return parts


def _measure_distance(column: Column, reference: Sample, part: Sample) -> float | None:
    if len(part.get_values(column)) < MIN_POINT_VALUES:
        return None
    if column.kind == "number" and len(np.unique(reference.get_numbers(column))) > MAX_CATEGORY_VALUES:
        numbers = reference.get_numbers(column)
        return compute_wasserstein(numbers, part.get_numbers(column)) / max(float(numbers.std()), MIN_STANDARD_DEVIATION)
    return compute_jensen_shannon(reference.count_categories(column), part.count_categories(column))
