"""When things were asked: by day more than by night. A moment is in whole milliseconds since 1970, as in a UUIDv7."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
from uuid_utils.compat import uuid7

Moments = npt.NDArray[np.int64]

HOUR = 3_600_000  # milliseconds
MINUTE = 60_000  # milliseconds
BUSIEST = 14  # o'clock, UTC
RHYTHM = 0.9  # how much more than on average is asked at the busiest hour, and less at the quietest
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def draw_moments(*, count: int, days: int, rng: np.random.Generator) -> Moments:
    """Return moments of the last days, each later than the one before, the last about a minute ago."""
    hours = this_moment() - MINUTE - HOUR * np.arange(1, days * 24 + 1)
    weights = 1 + RHYTHM * np.cos((hours // HOUR % 24 - BUSIEST) * 2 * np.pi / 24)
    found = np.sort(rng.choice(hours, count, p=weights / weights.sum()) + rng.integers(0, HOUR, count))
    order = np.arange(count)
    # No two in one millisecond: ids made within one are not in the order of time.
    moments: Moments = np.maximum.accumulate(found - order) + order
    return moments


def this_moment() -> int:
    return time.time_ns() // 1_000_000


def stamp(row: Any, moment: int) -> None:
    """Give a row that is not stored yet the time and the id that it would have got at a moment."""
    row.id, row.created_at = id_at(moment), time_at(moment)


def id_at(moment: int) -> uuid.UUID:
    return uuid7(nanoseconds=moment * 1_000_000)


def time_at(moment: int) -> datetime:
    return EPOCH + timedelta(milliseconds=moment)


def moment_of(when: datetime) -> int:
    return (when - EPOCH) // timedelta(milliseconds=1)
