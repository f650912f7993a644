"""Sentences of the drift report."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from django.utils.translation import gettext, ngettext

from core.formatting import format_number, format_percent
from monitoring.drift.samples import Column
from monitoring.drift.statistics import Numbers

DAYS_PER_WEEK = 7
MIN_MEAN_SHIFT = 0.05  # smallest shift of a mean to report, in standard deviations of the reference
MIN_SPREAD_RATIO = 1.1  # smallest ratio of two standard deviations to report


class Description(NamedTuple):
    """The values of both windows, formatted, a sentence that compares them, and the category that it names."""

    current: str
    reference: str
    sentence: str
    category: str = ""


def describe_earlier(shift_days: int) -> str:
    """Return the name of a reference window that lies some weeks before the current window, with a preposition."""
    weeks = shift_days // DAYS_PER_WEEK
    return ngettext("in the same period %(weeks)d week earlier", "in the same period %(weeks)d weeks earlier", weeks) % {
        "weeks": weeks
    }


def describe_numbers(column: Column, reference: Numbers, current: Numbers, period: str, *, drifted: bool) -> Description:
    """Compare means or, if they are about the same, standard deviations.

    Args:
        period: name of the reference window with a preposition, such as `in the previous 7 days`.
    """
    means = _format_value(column, float(current.mean())), _format_value(column, float(reference.mean()))
    values = {"name": column.display_name, "period": period, "current": means[0], "reference": means[1]}
    if not drifted:
        text = gettext("%(name)s: about the same as %(period)s (%(current)s, previously %(reference)s).")
        return Description(*means, text % values)
    shift = float(current.mean() - reference.mean())
    if abs(shift) <= MIN_MEAN_SHIFT * float(reference.std()):
        return Description(*means, _describe_spread(column, reference, current, period))
    if shift > 0:
        text = gettext("%(name)s: higher than %(period)s (%(current)s, previously %(reference)s).")
    else:
        text = gettext("%(name)s: lower than %(period)s (%(current)s, previously %(reference)s).")
    return Description(*means, text % values)


def _describe_spread(column: Column, reference: Numbers, current: Numbers, period: str) -> str:
    spreads = float(current.std()), float(reference.std())
    values = {"name": column.display_name, "period": period}
    if max(spreads) <= MIN_SPREAD_RATIO * min(spreads):
        text = gettext("%(name)s: different distribution than %(period)s, with about the same mean (%(mean)s).")
        return text % {**values, "mean": _format_value(column, float(current.mean()))}
    values |= {"current": _format_value(column, spreads[0]), "reference": _format_value(column, spreads[1])}
    if spreads[0] > spreads[1]:
        text = gettext("%(name)s: varies more than %(period)s (standard deviation %(current)s, previously %(reference)s).")
    else:
        text = gettext("%(name)s: varies less than %(period)s (standard deviation %(current)s, previously %(reference)s).")
    return text % values


def describe_categories(
    column: Column, reference: Counter[str], current: Counter[str], period: str, *, drifted: bool
) -> Description:
    """Name the category whose share has changed most."""
    name, current_share, reference_share = find_largest_change(reference, current)
    shares = format_percent(current_share), format_percent(reference_share)
    texts = f"{name}: {shares[0]}", f"{name}: {shares[1]}"
    values = {"name": column.display_name, "period": period}
    if not drifted:
        return Description(*texts, gettext("%(name)s: about the same distribution as %(period)s.") % values)
    values |= {"category": name, "current": shares[0], "reference": shares[1]}
    if current_share > reference_share:
        text = gettext("%(name)s: %(category)s is more frequent than %(period)s (%(current)s, previously %(reference)s).")
    else:
        text = gettext("%(name)s: %(category)s is less frequent than %(period)s (%(current)s, previously %(reference)s).")
    return Description(*texts, text % values, name)


def find_largest_change(reference: Counter[str], current: Counter[str]) -> tuple[str, float, float]:
    """Return the category whose share has changed most, with its current and its reference share."""
    shares = [
        (name, current[name] / current.total(), reference[name] / reference.total())
        for name in sorted({*current, *reference})
    ]
    return max(shares, key=lambda row: abs(row[1] - row[2]))


def describe_missing(
    column: Column, reference: Counter[str], current: Counter[str], period: str, *, drifted: bool
) -> Description:
    """Compare the shares of missing values, counted by `Sample.count_missing`."""
    current_share, reference_share = (counts["missing"] / counts.total() for counts in (current, reference))
    shares = format_percent(current_share), format_percent(reference_share)
    if not drifted:
        text = gettext("%(name)s: missing about as often as %(period)s (%(current)s, previously %(reference)s).")
    elif current_share > reference_share:
        text = gettext("%(name)s: missing more often than %(period)s (%(current)s, previously %(reference)s).")
    else:
        text = gettext("%(name)s: missing less often than %(period)s (%(current)s, previously %(reference)s).")
    values = {"name": column.display_name, "period": period, "current": shares[0], "reference": shares[1]}
    return Description(*shares, text % values)


def describe_insufficient(column: Column) -> Description:
    return Description("", "", gettext("%(name)s: not enough values to compare.") % {"name": column.display_name})


def _format_value(column: Column, value: float) -> str:
    if column.source == "confidence":
        return format_percent(value)
    return f"{format_number(value)} {column.unit}".strip()
