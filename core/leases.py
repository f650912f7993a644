"""Leases of rows that a worker processes: one worker holds the lease, and extends it as it makes progress.

The model has the fields `status`, with the values `queued` and `running`, `leased_until`, `attempts`, and `started_at`. The
end of the lease identifies its holder.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.conf import settings
from django.db.models import F, Model, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

Row = TypeVar("Row", bound=Model)
QUEUED, RUNNING = "queued", "running"
MAX_WAIT_SECONDS = 300  # for a model that is busy or loading, and for files or space on the disk
FIRST_DELAY_SECONDS, MAX_DELAY_SECONDS = 0.5, 15.0
SLICE_SECONDS = 20  # that a worker processes a row; then other tasks get a turn
LEASES_PER_CHUNK = 1 / 6  # the expected duration of a chunk of items; a model can slow down meanwhile
MAX_CLOCK_DIFFERENCE = timedelta(minutes=10)  # between two machines


class LeaseLost(Exception):
    """Another worker processes the row, or it was canceled. What this worker has not committed is discarded."""


def build_lost_condition(*, now: datetime, lease_seconds: float) -> Q:
    """Return the condition for rows whose worker is lost: their lease has ended, or ends later than any lease can.

    Such an end was set by a clock that has been set back since.
    """
    latest = now + timedelta(seconds=lease_seconds) + MAX_CLOCK_DIFFERENCE
    return Q(leased_until__lt=now) | Q(leased_until__gt=latest)


def build_free_condition(*, now: datetime, lease_seconds: float) -> Q:
    """Return the condition for rows that no worker holds: they have no lease, or their worker is lost."""
    return Q(leased_until=None) | build_lost_condition(now=now, lease_seconds=lease_seconds)


def claim_row(rows: QuerySet[Row], pk: str) -> Row | None:
    """Take the lease of a row that waits for a worker, or whose worker is lost. Return None for any other row.

    Args:
        rows: selects what the worker needs of related rows.
    """
    manager = rows.model._default_manager
    now = timezone.now()
    leased_until = now + timedelta(seconds=settings.BATCH_JOB_LEASE_SECONDS)
    is_lost = build_lost_condition(now=now, lease_seconds=settings.BATCH_JOB_LEASE_SECONDS)
    is_waiting = Q(status=QUEUED) | Q(is_lost, status=RUNNING)
    claimed = manager.filter(is_waiting, pk=pk).update(
        status=RUNNING,
        leased_until=leased_until,
        attempts=F("attempts") + 1,
        started_at=Coalesce(F("started_at"), now),
    )
    # With the lease in the condition, because another worker can have taken the row since.
    return rows.filter(pk=pk, leased_until=leased_until).first() if claimed else None


def filter_leased(row: Any) -> QuerySet[Any]:
    """Return a row if this worker still holds its lease."""
    return type(row)._default_manager.filter(pk=row.pk, status=RUNNING, leased_until=row.leased_until)


def extend_lease(row: Any, **changes: Any) -> None:
    """Extend the lease of a running row, and change it.

    Raises:
        LeaseLost: the row was canceled, or another worker has taken the lease.
    """
    leased_until = timezone.now() + timedelta(seconds=settings.BATCH_JOB_LEASE_SECONDS)
    if not filter_leased(row).update(leased_until=leased_until, **changes):
        raise LeaseLost
    row.leased_until = leased_until


def iterate_delays() -> Iterator[float | None]:
    """Yield the seconds to wait after each attempt, then None after the last one."""
    delay, total = FIRST_DELAY_SECONDS, 0.0
    while total < MAX_WAIT_SECONDS:
        yield delay
        total += delay
        delay = min(2 * delay, MAX_DELAY_SECONDS)
    yield None
