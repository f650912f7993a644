"""Generate timestamps with a daily rhythm. A timestamp is in whole milliseconds since 1970, as in a UUIDv7."""

from __future__ import annotations

import time
import uuid
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
from uuid_utils.compat import uuid7

from core.fields import EPOCH

Timestamps = npt.NDArray[np.int64]

HOUR_MILLISECONDS = 3_600_000
MINUTE_MILLISECONDS = 60_000
PEAK_HOUR = 14  # UTC
PEAK_EXCESS = 0.9  # predictions in the peak hour above the mean, as a share of the mean


def draw_timestamps(*, count: int, days: int, rng: np.random.Generator) -> Timestamps:
    """Return increasing timestamps of the last days. The last one is about a minute ago."""
    hours = get_current_timestamp() - MINUTE_MILLISECONDS - HOUR_MILLISECONDS * np.arange(1, days * 24 + 1)
    weights = 1 + PEAK_EXCESS * np.cos((hours // HOUR_MILLISECONDS % 24 - PEAK_HOUR) * 2 * np.pi / 24)
    timestamps = np.sort(rng.choice(hours, count, p=weights / weights.sum()) + rng.integers(0, HOUR_MILLISECONDS, count))
    # Make them differ by at least 1 ms: ids of the same millisecond are not in the order of their creation.
    offsets = np.arange(count)
    increasing: Timestamps = np.maximum.accumulate(timestamps - offsets) + offsets
    return increasing


def get_current_timestamp() -> int:
    return time.time_ns() // 1_000_000


def set_timestamp(row: Any, timestamp: int) -> None:
    """Set the id and the creation time of an unsaved row."""
    row.id, row.created_at = build_id(timestamp), to_datetime(timestamp)


def build_id(timestamp: int) -> uuid.UUID:
    return uuid7(nanoseconds=timestamp * 1_000_000)


def to_datetime(timestamp: int) -> datetime:
    return EPOCH + timedelta(milliseconds=timestamp)


def to_timestamp(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(milliseconds=1)
