"""What is counted of predictions: a sum that two halves of an hour, or 24 hours, add up to."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt

Microseconds = npt.NDArray[np.int64]

SUMS = ("status", "error", "label", "user")
PACKED = np.dtype("<i8")  # microseconds: the differences between neighbours of the sorted latencies
LEVEL = 6  # of zlib: about a byte and a half for each latency


@dataclass(slots=True)
class Tally:
    """Counts of some predictions.

    Args:
        counts: how many by each of `SUMS`: by status, error code, label, and user by id (empty: nobody any more).
        confidences: answers that have one, with their sum.
        input_bytes: size of the inputs asked about; what was asked about twice counts twice.
        latencies: preprocessing, queue and inference together, of predictions that went through all three.
    """

    counts: dict[str, Counter[str]] = field(default_factory=lambda: {name: Counter() for name in SUMS})
    confidences: int = 0
    confidence_sum: float = 0.0
    input_bytes: int = 0
    latencies: list[Microseconds] = field(default_factory=list)

    def add(self, other: Tally) -> Self:
        for name, counter in other.counts.items():
            self.counts[name].update(counter)
        self.confidences += other.confidences
        self.confidence_sum += other.confidence_sum
        self.input_bytes += other.input_bytes
        self.latencies += other.latencies
        return self

    @property
    def predictions(self) -> int:
        return self.counts["status"].total()

    def share_of(self, status: str) -> float | None:
        return self.counts["status"][status] / self.predictions if self.predictions else None

    @property
    def mean_confidence(self) -> float | None:
        return self.confidence_sum / self.confidences if self.confidences else None

    def quantiles(self, *shares: float) -> list[float] | list[None]:
        """Return quantiles of the latency in milliseconds, interpolated linearly, as pandas and PostgreSQL do."""
        if not self.latencies:
            return [None for _ in shares]
        found: list[float] = np.quantile(np.concatenate(self.latencies) / 1000, shares).tolist()
        return found

    def columns(self) -> dict[str, Any]:
        """Return the columns of a `Rollup`."""
        return {
            "counts": {name: dict(counter) for name, counter in self.counts.items()},
            "confidences": self.confidences,
            "confidence_sum": self.confidence_sum,
            "input_bytes": self.input_bytes,
            "latencies": pack(self.latencies),
        }


def from_columns(columns: Mapping[str, Any]) -> Tally:
    """Return the tally that a `Rollup` was made from."""
    latencies = unpack(columns["latencies"])
    return Tally(
        {name: Counter(columns["counts"][name]) for name in SUMS},
        columns["confidences"],
        columns["confidence_sum"],
        columns["input_bytes"],
        [latencies] if latencies.size else [],
    )


def total(tallies: Iterable[Tally]) -> Tally:
    found = Tally()
    for one in tallies:
        found.add(one)
    return found


def pack(latencies: list[Microseconds]) -> bytes:
    """Return latencies as a few bytes each. Quantiles of days add up from them exactly, which no sketch of them does."""
    values = np.sort(np.concatenate(latencies)) if latencies else np.empty(0, np.int64)
    return zlib.compress(np.diff(values, prepend=0).astype(PACKED).tobytes(), LEVEL)


def unpack(packed: Any) -> Microseconds:
    return np.cumsum(np.frombuffer(zlib.decompress(bytes(packed)), PACKED), dtype=np.int64)
