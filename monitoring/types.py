"""What a report of the operations page consists of: metrics of a window and of the previous window."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from monitoring.tally import Tally
from monitoring.windows import Window


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
        latency: milliseconds, by the names `p50`, `p95` and `p99`.
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
