"""Notice when the clock of the system is set back. Schedulers that compute the time of the next run would wait for it."""

from __future__ import annotations

import time

MIN_STEP_SECONDS = 2.0  # a clock that is only adjusted slowly changes less between two checks


class ClockWatch:
    """Compares the clock of the system with the monotonic clock, which is never set."""

    def __init__(self) -> None:
        self._difference = self._measure_difference()

    def was_set_back(self) -> bool:
        """Return whether the clock was set back since the last call, or since this object was created."""
        previous, self._difference = self._difference, self._measure_difference()
        return self._difference < previous - MIN_STEP_SECONDS

    @staticmethod
    def _measure_difference() -> float:
        return time.time() - time.monotonic()
