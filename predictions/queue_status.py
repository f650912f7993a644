"""The depth and age of the queue of background work: queued predictions and open batch jobs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Min, Q, QuerySet
from django.utils import timezone

from predictions.models import BatchJob, QueuedPrediction

STALLED_AFTER = timedelta(minutes=2)  # a worker takes lost work up again earlier


@dataclass(frozen=True, slots=True)
class QueueLength:
    """Work of one kind. The oldest row is that of the rows that no worker is running, or None."""

    waiting: int
    running: int
    oldest_at: datetime | None
    oldest_seconds: float | None


@dataclass(frozen=True, slots=True)
class QueueStatus:
    predictions: QueueLength
    batch_jobs: QueueLength

    @property
    def is_empty(self) -> bool:
        return not any(length.waiting or length.running for length in (self.predictions, self.batch_jobs))

    @property
    def is_stalled(self) -> bool:
        """Return whether work waits although no worker is busy: there is no worker, or Celery beat does not run."""
        lengths = (self.predictions, self.batch_jobs)
        oldest = max(length.oldest_seconds or 0 for length in lengths)
        return oldest > STALLED_AFTER.total_seconds() and not any(length.running for length in lengths)


def get_queue_status(*, now: datetime | None = None) -> QueueStatus:
    """Count the background work that is left. This takes two queries of small tables or indexes."""
    now = now or timezone.now()
    open_jobs = BatchJob.objects.filter(completed_at=None, status__in=(BatchJob.Status.QUEUED, BatchJob.Status.RUNNING))
    is_leased = Q(leased_until__gte=now)
    return QueueStatus(
        predictions=_measure(QueuedPrediction.objects.all(), is_leased, now),
        batch_jobs=_measure(open_jobs, is_leased & Q(status=BatchJob.Status.RUNNING), now),
    )


def _measure(rows: QuerySet, is_running: Q, now: datetime) -> QueueLength:
    """Count rows with and without a worker. A row whose worker is lost is waiting."""
    counts: dict[str, Any] = rows.aggregate(
        total=Count("pk"), running=Count("pk", filter=is_running), oldest=Min("created_at", filter=~is_running)
    )
    oldest = counts["oldest"]
    return QueueLength(
        waiting=counts["total"] - counts["running"],
        running=counts["running"],
        oldest_at=oldest,
        oldest_seconds=None if oldest is None else max(0.0, (now - oldest).total_seconds()),
    )
