"""Has what a version is asked, or what it answers, changed? Two stretches of time side by side."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from monitoring.drift import sentences
from monitoring.drift.samples import Column, Sample, columns_of, draw
from monitoring.drift.statistics import FEW_VALUES, Verdict, compare_categories, compare_numbers
from monitoring.windows import DAY
from registry.models import ModelVersion

LEAST = 30  # values on either side below which nothing is claimed
SPANS = {"1d": 1, "7d": 7, "30d": 30}  # days
MONTH = 28 * DAY  # as whole weeks, so that Mondays meet Mondays
BEFORE, EARLIER = "before", "earlier"


@dataclass(frozen=True, slots=True)
class Finding:
    """What is said of one column. `verdict` is None where there are too few values to tell.

    Args:
        now, before: the mean, or the share of the category that changed most, as text.
    """

    name: str
    verdict: Verdict | None
    now: str
    before: str
    sentence: str

    @property
    def drifted(self) -> bool:
        return self.verdict is not None and self.verdict.drifted


@dataclass(frozen=True, slots=True)
class Drift:
    """What changed between two stretches of time; `words` names the earlier one."""

    version: ModelVersion
    current: Sample
    reference: Sample
    words: str
    findings: list[Finding]

    @property
    def drifted(self) -> list[Finding]:
        return [one for one in self.findings if one.drifted]

    @property
    def steady(self) -> list[Finding]:
        return [one for one in self.findings if one.verdict and not one.drifted]

    @property
    def untold(self) -> list[Finding]:
        return [one for one in self.findings if one.verdict is None]


def build_drift_report(version: ModelVersion, *, now: datetime, span: str = "7d", against: str = BEFORE) -> Drift:
    """Compare a version's answers and their inputs of the last days with those of as many days earlier.

    Args:
        span: one of `SPANS`.
        against: `before`, the days just before; `earlier`, the same days of the week four weeks earlier, or as many weeks
            more as it takes for the two not to overlap.
    """
    length = SPANS[span] * DAY
    shift = length if against == BEFORE else MONTH * -(-length // MONTH)
    current, reference = draw(version, now - length, now), draw(version, now - length - shift, now - shift)
    words = _words(SPANS[span], shift) if against == EARLIER else _words(SPANS[span], timedelta())
    findings = [one for column in columns_of(version) for one in _look(column, reference, current, words)]
    return Drift(version, current, reference, words, findings)


def _words(days: int, shift: timedelta) -> str:
    length = "24 hours" if days == 1 else f"{days} days"
    return f"the same {length} {shift // DAY // 7} weeks earlier" if shift else f"the {length} before"


def _look(column: Column, reference: Sample, current: Sample, words: str) -> list[Finding]:
    found = [_compare(column, reference, current, words)]
    counts = reference.missing(column), current.missing(column)
    if any(one["missing"] for one in counts) and min(one.total() for one in counts) >= LEAST:
        verdict = compare_categories(*counts)
        now, before = (one["missing"] / one.total() for one in reversed(counts))
        told = sentences.of_missing(column, now, before, words, drifted=verdict.drifted)
        found.append(Finding(f"{column.words} (missing)", verdict, *told))
    return found


def _compare(column: Column, reference: Sample, current: Sample, words: str) -> Finding:
    if min(len(reference.given(column)), len(current.given(column))) < LEAST:
        return Finding(column.words, None, "", "", f"{column.words}: too few values to tell.")
    if column.kind == "number" and len(np.unique(reference.numbers(column))) > FEW_VALUES:
        numbers = reference.numbers(column), current.numbers(column)
        verdict = compare_numbers(*numbers)
        return Finding(column.words, verdict, *sentences.of_numbers(column, *numbers, words, drifted=verdict.drifted))
    counts = reference.categories(column), current.categories(column)
    verdict = compare_categories(*counts)
    return Finding(column.words, verdict, *sentences.of_categories(column, *counts, words, drifted=verdict.drifted))
