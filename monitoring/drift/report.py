"""Compare the predictions and inputs of a version in the current window with those in a reference window."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from django.utils.translation import gettext

from monitoring.drift import sentences
from monitoring.drift.samples import Column, Sample, draw_sample, list_columns
from monitoring.drift.statistics import DriftResult, compare_categories, compare_numbers
from monitoring.drift.trend import Trend, build_trend
from monitoring.windows import DAY, Window
from registry.models import ModelVersion

MIN_VALUES = 30  # per window; with fewer values nothing is compared
REFERENCES = ("before", "earlier")
FOUR_WEEKS = 28 * DAY  # whole weeks, to compare the same weekdays


@dataclass(frozen=True, slots=True)
class ColumnDrift:
    """The comparison of one column. `result` is None if a window has too few values.

    Args:
        current, reference: the mean, or the share of the category that changed most, as text.
        category: the category that changed most, or an empty string.
    """

    name: str
    result: DriftResult | None
    current: str
    reference: str
    sentence: str
    category: str
    column: Column

    @property
    def drifted(self) -> bool:
        return self.result is not None and self.result.drifted


@dataclass(frozen=True, slots=True)
class DriftReport:
    """The comparison of all columns of a version.

    Args:
        period: the name of the reference window with a preposition, such as `in the previous 7 days`.
        trends: how the distance from the reference window has changed, the drifted columns first.
    """

    version: ModelVersion
    window: Window
    current: Sample
    reference: Sample
    period: str
    columns: list[ColumnDrift]
    trends: list[Trend] = field(default_factory=list)

    @property
    def drifted(self) -> list[ColumnDrift]:
        return [column for column in self.columns if column.drifted]

    @property
    def unchanged(self) -> list[ColumnDrift]:
        return [column for column in self.columns if column.result and not column.drifted]

    @property
    def insufficient(self) -> list[ColumnDrift]:
        return [column for column in self.columns if column.result is None]


def build_drift_report(version: ModelVersion, window: Window, *, against: str = "before") -> DriftReport:
    """Compare the predictions of a version in a window with a reference window of the same length.

    Args:
        against: `before`: the reference window is the previous window. `earlier`: it lies four weeks earlier, or more
            whole multiples of four weeks if the windows would overlap.
    """
    shift = get_shift(window, against)
    current = draw_sample(version, window.start, window.end)
    reference = draw_sample(version, window.start - shift, window.end - shift)
    period = window.previous_text if against == "before" else sentences.describe_earlier(shift.days)
    columns = [drift for column in list_columns(version) for drift in compare_column(column, reference, current, period)]
    compared = sorted((drift for drift in columns if drift.result), key=lambda drift: not drift.drifted)
    fields = list(dict.fromkeys(drift.column for drift in compared))
    return DriftReport(version, window, current, reference, period, columns, build_trend(fields, reference, current, window))


def get_shift(window: Window, against: str) -> timedelta:
    """Return the distance between the starts of the two windows."""
    length = window.step * window.count
    return length if against == "before" else FOUR_WEEKS * -(-length // FOUR_WEEKS)


def list_reference_choices(window: Window) -> list[tuple[str, str]]:
    """Return the reference windows that users can select, with their names."""
    names = gettext("the previous period"), sentences.name_earlier(get_shift(window, "earlier").days)
    return list(zip(REFERENCES, names, strict=True))


def compare_column(column: Column, reference: Sample, current: Sample, period: str) -> Iterator[ColumnDrift]:
    """Yield the comparison of the values of a column and, if values are missing, of the share of missing values."""
    yield compare_values(column, reference, current, period)
    missing = reference.count_missing(column), current.count_missing(column)
    if any(counts["missing"] for counts in missing) and min(reference.size, current.size) >= MIN_VALUES:
        result = compare_categories(*missing)
        description = sentences.describe_missing(column, *missing, period, drifted=result.drifted)
        name = gettext("%(name)s (missing)") % {"name": column.display_name}
        yield ColumnDrift(name, result, *description, column)


def compare_values(column: Column, reference: Sample, current: Sample, period: str) -> ColumnDrift:
    if min(len(sample.get_values(column)) for sample in (reference, current)) < MIN_VALUES:
        return ColumnDrift(column.display_name, None, *sentences.describe_insufficient(column), column)
    if reference.has_many_numbers(column):
        numbers = reference.get_numbers(column), current.get_numbers(column)
        result = compare_numbers(*numbers)
        description = sentences.describe_numbers(column, *numbers, period, drifted=result.drifted)
        return ColumnDrift(column.display_name, result, *description, column)
    counts = reference.count_categories(column), current.count_categories(column)
    result = compare_categories(*counts)
    description = sentences.describe_categories(column, *counts, period, drifted=result.drifted)
    return ColumnDrift(column.display_name, result, *description, column)
