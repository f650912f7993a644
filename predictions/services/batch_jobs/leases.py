"""The lease of a batch job: one worker holds it, and extends it after each chunk. See `BatchJob.leased_until`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from predictions.models import BatchJob

Status = BatchJob.Status


class LeaseLost(Exception):
    """Another worker runs the job, or it was canceled. What this worker has not committed is discarded."""


def claim_job(job_id: str) -> BatchJob | None:
    """Take the lease of a job that waits for a worker, or whose worker is lost. Return None for any other job."""
    now = timezone.now()
    leased_until = now + timedelta(seconds=settings.BATCH_JOB_LEASE_SECONDS)
    is_waiting = Q(status=Status.QUEUED) | Q(status=Status.RUNNING, leased_until__lt=now)
    claimed = BatchJob.objects.filter(is_waiting, pk=job_id).update(
        status=Status.RUNNING,
        leased_until=leased_until,
        attempts=F("attempts") + 1,
        started_at=Coalesce(F("started_at"), now),
    )
    # With the lease in the condition, because another worker can have taken the job since.
    rows = BatchJob.objects.filter(pk=job_id, leased_until=leased_until)
    return rows.select_related("model_version__model", "user").first() if claimed else None


def extend_lease(job: BatchJob, **changes: Any) -> None:
    """Extend the lease of a running job, and change it.

    Raises:
        LeaseLost: the job was canceled, or another worker has taken the lease.
    """
    leased_until = timezone.now() + timedelta(seconds=settings.BATCH_JOB_LEASE_SECONDS)
    if not filter_leased(job).update(leased_until=leased_until, **changes):
        raise LeaseLost
    job.leased_until = leased_until


def filter_leased(job: BatchJob) -> Any:
    """Return the row of a job if this worker still holds its lease. The end of the lease identifies its holder."""
    return BatchJob.objects.filter(pk=job.pk, status=Status.RUNNING, leased_until=job.leased_until)


def lock_leased_job(job: BatchJob) -> BatchJob:
    """Return the current row of a job as `lock_job` does.

    Raises:
        LeaseLost: the job was canceled, or another worker has taken the lease.
    """
    locked = filter_leased(job).select_for_update().first()
    if locked is None:
        raise LeaseLost
    return locked
