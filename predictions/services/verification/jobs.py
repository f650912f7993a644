"""Verify background work: queued predictions and batch jobs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q
from django.utils import timezone

from predictions.models import BatchJob, BatchJobImage, BatchJobItem, Prediction, QueuedPrediction
from predictions.models.batch_job import REMOVED_CODE
from predictions.services.batch_jobs.states import RETRY_OPTION
from predictions.services.verification.report import Report, iterate_chunks

OVERDUE_SECONDS = 300  # after a deadline, in which a running server or worker ends the work


def check_queue(report: Report) -> None:
    """Check that no queued prediction is past its deadline (I5)."""
    latest = timezone.now() - timedelta(seconds=OVERDUE_SECONDS)
    overdue = Q(leased_until=None, expires_at__lt=latest) | Q(leased_until__lt=latest)
    report.checked["queued_predictions"] += QueuedPrediction.objects.count()
    for chunk in iterate_chunks(QueuedPrediction.objects.filter(overdue)):
        for row in chunk:
            report.add("I5", "The prediction is past its deadline, and has no final status.", id=row.pk)


def check_batch_jobs(report: Report) -> None:
    """Check that counters equal the items (I1), and that no job waits for a lost worker (I5)."""
    latest = timezone.now() - timedelta(seconds=OVERDUE_SECONDS)
    removed = Q(items__error_code=REMOVED_CODE)
    failed = Q(items__prediction=None) & ~removed | Q(items__prediction__status=Prediction.Status.FAILED)
    counts = {"failed": Count("items", filter=failed), "removed": Count("items", filter=removed)}
    jobs = BatchJob.objects.annotate(found=Count("items"), **counts).defer("error_message")
    for chunk in iterate_chunks(jobs):
        report.checked["batch_jobs"] += len(chunk)
        for job in chunk:
            _check_job(report, job)
            if not job.is_final and job.leased_until and job.leased_until < latest:
                report.add("I5", f"The batch job is {job.status}, and its worker is lost.", id=job.pk)


def _check_job(report: Report, job: Any) -> None:
    """Check a job with the annotations `found`, `failed`, and `removed`. Removed items had succeeded or failed."""
    report.checked["batch_job_items"] += job.found
    if RETRY_OPTION in job.options:  # its failed items are being predicted again
        return
    counted = (job.succeeded_items, job.failed_items)
    found = (job.found - job.failed, job.failed)
    if sum(counted) != job.found or not job.failed <= job.failed_items <= job.failed + job.removed:
        message = (
            f"The batch job counts {counted[0]} succeeded and {counted[1]} failed items, but has {found[0]} and {found[1]}."
        )
        report.add("I1", message, id=job.pk)
    if job.status == BatchJob.Status.SUCCEEDED and job.total_items != job.found:
        report.add("I1", f"The batch job has succeeded with {job.found} of {job.total_items} items.", id=job.pk)
    stored = BatchJobItem.objects.filter(job=OuterRef("job"), number=OuterRef("number"))
    if job.kind == BatchJob.Kind.IMAGES and BatchJobImage.objects.filter(Exists(stored), job=job).exists():
        report.add("I5", "An image of the batch job has a prediction, but is still waiting.", id=job.pk)
