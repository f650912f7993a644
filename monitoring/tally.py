"""Counts of predictions that can be added up: two halves of an hour, or 24 hours, give the exact total."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self
from uuid import UUID

import numpy as np

from monitoring.quantiles import Microseconds, compute_quantiles
from monitoring.user_counts import UserCounts, build_user_counts, pack_user_counts, sum_user_counts, unpack_user_counts

COUNTER_NAMES = ("status", "error", "label", "user")
ROLLUP_COLUMNS = ("counts", "users", "confidences", "confidence_sum", "input_bytes", "latencies")
DELTA_TYPE = np.dtype("<i8")  # differences of neighbors in the sorted latencies, in microseconds
ZLIB_LEVEL = 6  # packs a latency into about 1.5 bytes


@dataclass(slots=True)
class Tally:
    """Counts of a set of predictions.

    Args:
        counts: a counter per name in `COUNTER_NAMES`: by status, error code, label, and user id (empty: no user). The one by
            user leaves out the predictions in `users`.
        users: counts of predictions by the number of the user, from rollups.
        confidences: number of predictions with a confidence.
        input_bytes: total size of the inputs. An input with two predictions counts twice.
        latencies: preprocessing, queue and inference time together, of predictions that have all three. Arrays in ascending
            order.
    """

    counts: dict[str, Counter[str]] = field(default_factory=lambda: {name: Counter() for name in COUNTER_NAMES})
    confidences: int = 0
    confidence_sum: float = 0.0
    input_bytes: int = 0
    latencies: list[Microseconds] = field(default_factory=list)
    users: list[UserCounts] = field(default_factory=list)

    @classmethod
    def from_columns(cls, columns: Mapping[str, Any]) -> Self:
        """Return the tally of a `Rollup`, given its columns."""
        latencies = unpack_latencies(columns["latencies"])
        return cls(
            {name: Counter(columns["counts"][name]) for name in COUNTER_NAMES},
            columns["confidences"],
            columns["confidence_sum"],
            columns["input_bytes"],
            [latencies] if latencies.size else [],
            [] if columns["users"] is None else [unpack_user_counts(columns["users"])],
        )

    def to_columns(self, numbers: Mapping[str, int]) -> dict[str, Any]:
        """Return the columns of a `Rollup`.

        Args:
            numbers: of all users in the counter by user, see `CountedUser`.
        """
        users = sum_user_counts([*self.users, build_user_counts(self.counts["user"], numbers)])
        return {
            "counts": {name: dict(counter) for name, counter in self.counts.items()} | {"user": {}},
            "users": pack_user_counts(users),
            "confidences": self.confidences,
            "confidence_sum": self.confidence_sum,
            "input_bytes": self.input_bytes,
            "latencies": pack_latencies(self.latencies),
        }

    def add(self, other: Tally) -> Self:
        """Add another tally to this one, and return this one."""
        for name, counter in other.counts.items():
            self.counts[name].update(counter)
        self.users += other.users
        self.confidences += other.confidences
        self.confidence_sum += other.confidence_sum
        self.input_bytes += other.input_bytes
        self.latencies += other.latencies
        return self

    @property
    def predictions(self) -> int:
        return self.counts["status"].total()

    @property
    def mean_confidence(self) -> float | None:
        return self.confidence_sum / self.confidences if self.confidences else None

    def get_share(self, status: str) -> float | None:
        """Return the share of predictions with a status."""
        return self.counts["status"][status] / self.predictions if self.predictions else None

    def compute_latency_quantiles(self, *shares: float) -> list[float] | list[None]:
        """Return latency quantiles in milliseconds, with linear interpolation as in pandas and PostgreSQL."""
        if not self.latencies:
            return [None for _ in shares]
        return compute_quantiles(self.latencies, shares)


Tallies = dict[tuple[datetime, UUID], Tally]
"""Tallies by the start of the hour or day and the id of the model version."""


def sum_tallies(tallies: Iterable[Tally]) -> Tally:
    total = Tally()
    for tally in tallies:
        total.add(tally)
    return total


def pack_latencies(latencies: list[Microseconds]) -> bytes:
    """Compress latencies without loss: quantiles over many hours stay exact, unlike those of a sketch."""
    values = np.sort(np.concatenate(latencies)) if latencies else np.empty(0, np.int64)
    return zlib.compress(np.diff(values, prepend=0).astype(DELTA_TYPE).tobytes(), ZLIB_LEVEL)


def unpack_latencies(packed: Any) -> Microseconds:
    """Return the latencies of `pack_latencies`, sorted."""
    return np.cumsum(np.frombuffer(zlib.decompress(bytes(packed)), DELTA_TYPE), dtype=np.int64)
