"""Metrics of a window, each with its value in the previous window."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from monitoring.tally import Tally
from monitoring.windows import Window

LATENCY_QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


class Comparison(NamedTuple):
    """A value in the current and in the previous window. None: no data."""

    current: float | None
    previous: float | None


class CountRow(NamedTuple):
    """The counts of a name in both windows, and its share of all counts."""

    name: str
    current: int
    previous: int
    share: float | None
    previous_share: float | None


class Bucket(NamedTuple):
    """One hour or day of a window. Latencies are in milliseconds; `versions` counts predictions by model version."""

    start: datetime
    tally: Tally
    versions: Counter[UUID]
    p50: float | None
    p95: float | None
    p99: float | None


@dataclass(frozen=True, slots=True)
class OperationsMetrics:
    """Metrics of a window, compared with the previous window.

    Args:
        failed: share of predictions that failed.
        latency: milliseconds, by the names in `LATENCY_QUANTILES`.
        awaiting_review: predictions of the window that have no review today.
        input_bytes: total size of the inputs.
        errors, labels, users: the most frequent first. `users` has only the users with the most predictions.
        versions: predictions by model version, the most frequent first.
    """

    window: Window
    predictions: Comparison
    failed: Comparison
    latency: dict[str, Comparison]
    confidence: Comparison
    awaiting_review: Comparison
    input_bytes: Comparison
    errors: list[CountRow]
    labels: list[CountRow]
    users: list[CountRow]
    versions: dict[UUID, Comparison]
    buckets: list[Bucket]


def compare_counts(current: Counter[str], previous: Counter[str]) -> list[CountRow]:
    """Return a row per name in either counter, the most frequent in the current one first."""
    names = sorted({*current, *previous}, key=lambda name: (-current[name], -previous[name], name))
    totals = current.total(), previous.total()
    return [
        CountRow(
            name,
            current[name],
            previous[name],
            current[name] / totals[0] if totals[0] else None,
            previous[name] / totals[1] if totals[1] else None,
        )
        for name in names
    ]
