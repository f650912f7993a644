"""Drift in sentences that a person understands."""

from __future__ import annotations

from collections import Counter

from monitoring.drift.samples import Column
from monitoring.drift.statistics import Numbers

MOVED = 0.05  # standard deviations of the reference by which a mean has moved, not only its surroundings
WIDENED = 1.1  # times as wide as before

Told = tuple[str, str, str]
"""The figure now, the figure before, and the sentence."""


def of_numbers(column: Column, reference: Numbers, current: Numbers, words: str, *, drifted: bool) -> Told:
    now, before = _amount(column, current.mean()), _amount(column, reference.mean())
    if not drifted:
        return now, before, f"{_steady(column)} in {words} ({now}, before {before})."
    change = _change(column, reference, current)
    if change:
        return now, before, f"{change} than in {words} ({now}, before {before})."
    return now, before, _shape(column, reference, current, words)


def of_categories(column: Column, reference: Counter[str], current: Counter[str], words: str, *, drifted: bool) -> Told:
    changes = {
        name: current[name] / current.total() - reference[name] / reference.total() for name in {*current, *reference}
    }
    name = max(sorted(changes), key=lambda one: abs(changes[one]))
    now, before = (f"{name}: {share(counts[name] / counts.total())}" for counts in (current, reference))
    if not drifted:
        what = (
            "The labels are answered as often as" if column.source == "label" else f"The values of {column.words} are like"
        )
        return now, before, f"{what} in {words}."
    how = "more often" if changes[name] > 0 else "less often"
    what = f"{name} is answered {how}" if column.source == "label" else f"{column.words} is {how} {name}"
    figures = [share(counts[name] / counts.total()) for counts in (current, reference)]
    return now, before, f"{what} than in {words} ({figures[0]}, before {figures[1]})."


def of_missing(column: Column, now: float, before: float, words: str, *, drifted: bool) -> Told:
    figures = share(now), share(before)
    if not drifted:
        return *figures, f"{column.words} is missing as often as in {words} ({figures[0]}, before {figures[1]})."
    how = "more" if now > before else "less"
    return *figures, f"{column.words} is missing {how} often than in {words} ({figures[0]}, before {figures[1]})."


def share(value: float) -> str:
    """Return 0.412 as `41 %`; a share below ten percent keeps a decimal."""
    return f"{value * 100:.1f} %" if 0 < value < 0.0995 else f"{value * 100:.0f} %"


def _amount(column: Column, value: float) -> str:
    if column.source == "confidence":
        return f"{value * 100:.1f} %"
    return f"{value:,.4g} {column.unit}".strip()


def _steady(column: Column) -> str:
    told = {"confidence": "The model is as sure of its answers as", "value": "The answers are as"}
    return told.get(column.source, f"{column.words} is as")


def _change(column: Column, reference: Numbers, current: Numbers) -> str:
    """Return in which direction the mean moved, or nothing when it hardly did."""
    moved = float(current.mean() - reference.mean())
    if abs(moved) <= MOVED * float(reference.std()):
        return ""
    if column.source == "confidence":
        return "The model is surer of its answers" if moved > 0 else "The model is less sure of its answers"
    what = "The answers are" if column.source == "value" else f"{column.words} is"
    return f"{what} {'higher' if moved > 0 else 'lower'}"


def _shape(column: Column, reference: Numbers, current: Numbers, words: str) -> str:
    what = {"confidence": "How sure it is of its answers", "value": "What is answered"}.get(column.source, column.words)
    now, before = float(current.std()), float(reference.std())
    spread = f"(standard deviation {_amount(column, now)}, before {_amount(column, before)})"
    if now > before * WIDENED:
        return f"{what} varies more than in {words} {spread}."
    if before > now * WIDENED:
        return f"{what} varies less than in {words} {spread}."
    return f"{what} is spread differently than in {words}, about the same mean ({_amount(column, current.mean())})."
