"""Compare the predictions and inputs of a version in the current window with those in a reference window."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from monitoring.drift import sentences
from monitoring.drift.samples import Column, Sample, draw_sample, list_columns
from monitoring.drift.statistics import MAX_CATEGORY_VALUES, DriftResult, compare_categories, compare_numbers
from monitoring.windows import DAY
from registry.models import ModelVersion

MIN_VALUES = 30  # per window; with fewer values nothing is compared
SPAN_DAYS = {"1d": 1, "7d": 7, "30d": 30}
SPAN_CHOICES = {name: sentences.describe_span(days) for name, days in SPAN_DAYS.items()}
REFERENCE_CHOICES = {"before": "the previous period", "earlier": "the same period four weeks earlier"}
FOUR_WEEKS = 28 * DAY  # whole weeks, to compare the same weekdays


@dataclass(frozen=True, slots=True)
class ColumnDrift:
    """The comparison of one column. `result` is None if a window has too few values.

    Args:
        current, reference: the mean, or the share of the category that changed most, as text.
    """

    name: str
    result: DriftResult | None
    current: str
    reference: str
    sentence: str

    @property
    def drifted(self) -> bool:
        return self.result is not None and self.result.drifted


@dataclass(frozen=True, slots=True)
class DriftReport:
    """The comparison of all columns of a version. `span` and `period` are the names of the two windows."""

    version: ModelVersion
    current: Sample
    reference: Sample
    span: str
    period: str
    columns: list[ColumnDrift]

    @property
    def drifted(self) -> list[ColumnDrift]:
        return [column for column in self.columns if column.drifted]

    @property
    def unchanged(self) -> list[ColumnDrift]:
        return [column for column in self.columns if column.result and not column.drifted]

    @property
    def insufficient(self) -> list[ColumnDrift]:
        return [column for column in self.columns if column.result is None]


def build_drift_report(version: ModelVersion, *, now: datetime, span: str = "7d", against: str = "before") -> DriftReport:
    """Compare the last days of a version with a reference window of the same length.

    Args:
        span: a key of `SPAN_DAYS`: the length of the windows.
        against: `before`: the reference window ends where the current window starts. `earlier`: it lies four weeks
            earlier, or more whole multiples of four weeks if the windows would overlap.
    """
    length = SPAN_DAYS[span] * DAY
    shift = get_shift(length, against)
    current = draw_sample(version, now - length, now)
    reference = draw_sample(version, now - length - shift, now - shift)
    period = sentences.describe_reference(length.days, shift.days)
    columns = [drift for column in list_columns(version) for drift in compare_column(column, reference, current, period)]
    return DriftReport(version, current, reference, SPAN_CHOICES[span], period, columns)


def get_shift(length: timedelta, against: str) -> timedelta:
    """Return the distance between the starts of the two windows."""
    return length if against == "before" else FOUR_WEEKS * -(-length // FOUR_WEEKS)


def compare_column(column: Column, reference: Sample, current: Sample, period: str) -> Iterator[ColumnDrift]:
    """Yield the comparison of the values of a column and, if values are missing, of the share of missing values."""
    yield compare_values(column, reference, current, period)
    missing = reference.count_missing(column), current.count_missing(column)
    if any(counts["missing"] for counts in missing) and min(reference.size, current.size) >= MIN_VALUES:
        result = compare_categories(*missing)
        description = sentences.describe_missing(column, *missing, period, drifted=result.drifted)
        yield ColumnDrift(f"{column.display_name} (missing)", result, *description)


def compare_values(column: Column, reference: Sample, current: Sample, period: str) -> ColumnDrift:
    if min(len(sample.get_values(column)) for sample in (reference, current)) < MIN_VALUES:
        return ColumnDrift(column.display_name, None, *sentences.describe_insufficient(column))
    if column.kind == "number" and len(np.unique(reference.get_numbers(column))) > MAX_CATEGORY_VALUES:
        numbers = reference.get_numbers(column), current.get_numbers(column)
        result = compare_numbers(*numbers)
        description = sentences.describe_numbers(column, *numbers, period, drifted=result.drifted)
        return ColumnDrift(column.display_name, result, *description)
    counts = reference.count_categories(column), current.count_categories(column)
    result = compare_categories(*counts)
    description = sentences.describe_categories(column, *counts, period, drifted=result.drifted)
    return ColumnDrift(column.display_name, result, *description)
