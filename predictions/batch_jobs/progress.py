"""The progress of batch jobs, for the pages and the API."""

from __future__ import annotations

from typing import NamedTuple

from predictions.models import BatchJob

RATE_OPTION = "items_per_second"
EXPECTED_OPTION = "expected_items"  # that the page was going to upload


class BatchJobProgress(NamedTuple):
    """How far a job is.

    Args:
        total: None until the file has been counted, as are `remaining` and `percent`.
        percent: of the items that are done, 0 to 100. It is 100 only if all are done, or if a final job has no items.
        items_per_second: the current rate; None unless the job is running.
        seconds_left: None if the rate is not known yet.
    """

    total: int | None
    done: int
    succeeded: int
    failed: int
    remaining: int | None
    percent: int | None
    items_per_second: float | None
    seconds_left: float | None


def get_progress(job: BatchJob) -> BatchJobProgress:
    """Return the progress of a job, from its row alone."""
    total, done = job.total_items, job.done_items
    remaining = None if total is None else max(total - done, 0)
    rate = None if job.is_final or not done else job.options.get(RATE_OPTION)
    return BatchJobProgress(
        total=total,
        done=done,
        succeeded=job.succeeded_items,
        failed=job.failed_items,
        remaining=remaining,
        percent=None if total is None else _get_percent(done, total, is_final=job.is_final),
        items_per_second=rate and round(rate, 2),
        seconds_left=round(remaining / rate, 1) if rate and remaining is not None else None,
    )


def count_missing(job: BatchJob) -> int:
    """Return how many images were not uploaded, for example because the page was closed."""
    return max(0, job.options.get(EXPECTED_OPTION, 0) - (job.total_items or 0))


def _get_percent(done: int, total: int, *, is_final: bool) -> int:
    if total == 0:
        return 100 if is_final else 0
    return done * 100 // total
