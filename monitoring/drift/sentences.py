"""Sentences of the drift report."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from core.formatting import format_percent
from monitoring.drift.samples import Column
from monitoring.drift.statistics import Numbers

DAYS_PER_WEEK = 7
MIN_MEAN_SHIFT = 0.05  # smallest shift of a mean to report, in standard deviations of the reference
MIN_SPREAD_RATIO = 1.1  # smallest ratio of two standard deviations to report


class Description(NamedTuple):
    """The values of both windows, formatted, and a sentence that compares them."""

    current: str
    reference: str
    sentence: str


def describe_span(days: int) -> str:
    """Return `24 hours` or a number of days."""
    return "24 hours" if days == 1 else f"{days} days"


def describe_reference(days: int, shift_days: int) -> str:
    """Return the name of a reference window that lies some days before the current window."""
    if shift_days == days:
        return f"the previous {describe_span(days)}"
    return f"the same {describe_span(days)} {shift_days // DAYS_PER_WEEK} weeks earlier"


def describe_numbers(column: Column, reference: Numbers, current: Numbers, period: str, *, drifted: bool) -> Description:
    """Compare means or, if they are about the same, standard deviations.

    Args:
        period: name of the reference window, from `describe_reference`.
    """
    means = _format_value(column, float(current.mean())), _format_value(column, float(reference.mean()))
    name, values = column.display_name, f"({means[0]}, previously {means[1]})"
    if not drifted:
        return Description(*means, f"{name}: about the same as in {period} {values}.")
    shift = float(current.mean() - reference.mean())
    if abs(shift) > MIN_MEAN_SHIFT * float(reference.std()):
        return Description(*means, f"{name}: {'higher' if shift > 0 else 'lower'} than in {period} {values}.")
    return Description(*means, f"{name}: {_describe_spread(column, reference, current, period)}.")


def _describe_spread(column: Column, reference: Numbers, current: Numbers, period: str) -> str:
    spreads = float(current.std()), float(reference.std())
    if max(spreads) <= MIN_SPREAD_RATIO * min(spreads):
        mean = _format_value(column, float(current.mean()))
        return f"different distribution than in {period}, with about the same mean ({mean})"
    values = f"standard deviation {_format_value(column, spreads[0])}, previously {_format_value(column, spreads[1])}"
    return f"varies {'more' if spreads[0] > spreads[1] else 'less'} than in {period} ({values})"


def describe_categories(
    column: Column, reference: Counter[str], current: Counter[str], period: str, *, drifted: bool
) -> Description:
    """Name the category whose share has changed most."""
    name, current_share, reference_share = _find_largest_change(reference, current)
    shares = format_percent(current_share), format_percent(reference_share)
    texts = f"{name}: {shares[0]}", f"{name}: {shares[1]}"
    if not drifted:
        return Description(*texts, f"{column.display_name}: about the same distribution as in {period}.")
    direction = "more" if current_share > reference_share else "less"
    sentence = f"{name} is {direction} frequent than in {period} ({shares[0]}, previously {shares[1]})"
    return Description(*texts, f"{column.display_name}: {sentence}.")


def _find_largest_change(reference: Counter[str], current: Counter[str]) -> tuple[str, float, float]:
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
    if drifted:
        comparison = f"{'more' if current_share > reference_share else 'less'} often than in"
    else:
        comparison = "about as often as in"
    sentence = f"missing {comparison} {period} ({shares[0]}, previously {shares[1]})"
    return Description(*shares, f"{column.display_name}: {sentence}.")


def describe_insufficient(column: Column) -> Description:
    return Description("", "", f"{column.display_name}: not enough values to compare.")


def _format_value(column: Column, value: float) -> str:
    if column.source == "confidence":
        return format_percent(value)
    return f"{value:,.4g} {column.unit}".strip()
