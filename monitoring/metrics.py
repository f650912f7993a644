"""What is told of a window, each figure beside that of the window before."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from monitoring.tally import Tally
from monitoring.windows import Window

QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


class Pair(NamedTuple):
    """A figure now and in the window before; None where there is none."""

    now: float | None
    before: float | None


class Row(NamedTuple):
    """How often something was counted, now and in the window before, and what share of all that is."""

    name: str
    now: int
    before: int
    share: float | None
    share_before: float | None


class Bucket(NamedTuple):
    """One hour or day; latencies are in milliseconds, `versions` are predictions by model version."""

    start: datetime
    tally: Tally
    versions: Counter[UUID]
    p50: float | None
    p95: float | None
    p99: float | None


@dataclass(frozen=True, slots=True)
class Operations:
    """What was done in a window, and in the one before.

    Args:
        failed: share of the predictions.
        latency: milliseconds by the names of `QUANTILES`.
        awaiting: answers given in the window that nobody has judged by now.
        input_bytes: size of the inputs asked about.
        errors, labels, users: the most frequent first; `users` are the busiest ones only.
        versions: predictions by model version.
    """

    window: Window
    predictions: Pair
    failed: Pair
    latency: dict[str, Pair]
    confidence: Pair
    awaiting: Pair
    input_bytes: Pair
    errors: list[Row]
    labels: list[Row]
    users: list[Row]
    versions: dict[UUID, Pair]
    buckets: list[Bucket]


def rows_of(now: Counter[str], before: Counter[str]) -> list[Row]:
    """Return all that was counted in either window, the most frequent now first."""
    names = sorted({*now, *before}, key=lambda name: (-now[name], -before[name], name))
    sums = now.total(), before.total()
    return [Row(name, now[name], before[name], _share(now[name], sums[0]), _share(before[name], sums[1])) for name in names]


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
