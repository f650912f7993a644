"""Show the progress of long operations on the standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TypeAlias

from mlsite_client.types import BatchJob, Prediction

Progress: TypeAlias = Callable[[int, int], None]


def get_reporter(progress: bool | Progress) -> Progress:
    """Return the function to call with the number of results and of inputs."""
    if callable(progress):
        return progress
    return _show if progress else _ignore


def get_job_reporter(progress: bool) -> Callable[[Prediction | BatchJob], None]:
    """Return the function to call with each state of a batch job or prediction."""

    def report(current: Prediction | BatchJob) -> None:
        if progress and isinstance(current, BatchJob):
            _show(current.done, current.total or 0, is_finished=current.is_final)

    return report


def _ignore(done: int, total: int) -> None:
    pass


def _show(done: int, total: int, *, is_finished: bool = False) -> None:
    end = "\n" if is_finished or done == total else ""
    print(f"\r{done:,} of {total:,}" if total else f"\r{done:,}", end=end, file=sys.stderr, flush=True)
