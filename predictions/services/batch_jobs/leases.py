"""The lease of a batch job. See `core.leases` and `BatchJob.leased_until`."""

from __future__ import annotations

from core.leases import LeaseLost, claim_row, filter_leased
from predictions.models import BatchJob


def claim_job(job_id: str) -> BatchJob | None:
    """Take the lease of a job that waits for a worker, or whose worker is lost. Return None for any other job."""
    return claim_row(BatchJob.objects.select_related("model_version__model", "user"), job_id)


def lock_leased_job(job: BatchJob) -> BatchJob:
    """Return the current row of a job as `lock_job` does.

    Raises:
        LeaseLost: the job was canceled, or another worker has taken the lease.
    """
    locked: BatchJob | None = filter_leased(job).select_for_update().first()
    if locked is None:
        raise LeaseLost
    return locked
