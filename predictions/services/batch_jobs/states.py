"""Change the status of batch jobs. Each change is one guarded UPDATE, or holds the lock of the row."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext

from accounts.services.usage import LimitReached, count_predictions
from core.leases import build_free_condition, filter_leased
from core.locks import lock_row, refresh_row
from core.tasks import enqueue
from events.services import build_event, record_events
from inference.errors import InferenceError, InvalidInput
from predictions.batch_jobs.files import JobFileRemoved
from predictions.batch_jobs.progress import RATE_OPTION
from predictions.models import BatchJob, BatchJobImage, BatchJobItem, Prediction
from predictions.services.batch_jobs.leases import lock_leased_job
from predictions.services.batch_jobs.mapping import check_mapping, choose_columns

logger = logging.getLogger(__name__)

TASK_NAME = "predictions.run_batch_job"
UPLOAD_PAUSE_SECONDS = 120  # uploaded images are processed if no other image arrives for this time
MAX_ATTEMPTS = 5  # to start a job without progress
MAX_SWEPT_JOBS = 500  # per run
RETRY_OPTION = "retry_from"  # the number of the next failed item to predict again
UNCOUNTED_OPTION = "uncounted"  # canceled as a draft: its items do not count against the quota yet
Status = BatchJob.Status


class WrongJobStatus(InferenceError):
    """The status of the job does not allow the change."""

    code = "wrong-job-status"


def get_queued_values() -> dict[str, Any]:
    """Return the values of a job that waits for a worker."""
    leased_until = timezone.now() + timedelta(seconds=settings.TASK_REPEAT_SECONDS)
    return {"status": Status.QUEUED, "leased_until": leased_until, "attempts": 0}


def enqueue_job(job: BatchJob) -> None:
    """Let a worker run a queued job once the transaction is committed."""
    enqueue(TASK_NAME, str(job.pk))


def start_batch_job(*, job: BatchJob, mapping: Mapping[str, str | None] | None = None, is_enqueued: bool = True) -> BatchJob:
    """Queue a draft. A job that is queued or running already is returned unchanged.

    Args:
        is_enqueued: let a worker run it. Otherwise, the caller runs it; if that fails, the sweep lets a worker run it.
        mapping: the column of some features by the name of the feature; None or empty for no column. The others are matched
            by name.

    Raises:
        WrongJobStatus: the job has ended, or a mapping is sent after it has started.
        InvalidInput: a required feature has no column, the mapping is invalid, or no images were uploaded.
        JobFileMissing: the stored table cannot be opened.
        RowDeleted: the draft was deleted.
    """
    refresh_row(job)
    is_draft, options = job.status == Status.DRAFT, job.options
    if is_draft and job.kind == BatchJob.Kind.TABLE:
        options = choose_columns(job, mapping)
    if is_draft:
        _check_images(job)
    with transaction.atomic():
        drafts = BatchJob.objects.filter(pk=job.pk, status=Status.DRAFT)
        is_started = drafts.update(**get_queued_values(), options=options)
        refresh_row(job)
        if is_started:
            count_predictions(user=job.user, count=job.total_items or 0)  # if this fails, the job stays a draft
            if is_enqueued:
                enqueue_job(job)
    if job.is_final or (mapping is not None and not is_started):
        raise WrongJobStatus(
            gettext("The batch job has been started already. Its status is %(status)s.") % {"status": job.status}
        )
    return job


def cancel_batch_job(*, job: BatchJob) -> BatchJob:
    """Cancel a job. Items that are stored remain, and a chunk that is running is discarded.

    Raises:
        WrongJobStatus: the job has succeeded or failed. A canceled job is returned unchanged.
    """
    with transaction.atomic():
        job = lock_job(job)
        if not job.is_final:
            end_job(job, Status.CANCELED)
    if job.status != Status.CANCELED:
        raise WrongJobStatus(gettext("The batch job has ended. Its status is %(status)s.") % {"status": job.status})
    return job


def retry_batch_job(*, job: BatchJob) -> BatchJob:
    """Predict the failed predictions of an ended job again, and continue a failed or canceled job where it stopped.

    An item then has its newest prediction; the earlier one stays in the history without the job. Items whose input was not
    accepted are not retried, because they would fail again.

    Raises:
        WrongJobStatus: the job has not ended, or it succeeded and there is nothing to retry.
        InvalidInput: a canceled draft has no images, or a required feature has no column.
        LimitReached: the job was canceled as a draft, and the user has used up the quota.
        JobFileMissing, JobFileRemoved: the file cannot be opened, or was removed by a retention policy.
    """
    with transaction.atomic():
        job = lock_job(job)
        if not job.is_final:
            raise WrongJobStatus(gettext("The batch job has not ended. Its status is %(status)s.") % {"status": job.status})
        failed = list_failed_items(job).count()
        if job.status == Status.SUCCEEDED and not failed:
            raise WrongJobStatus(
                gettext("No prediction of the batch job failed. Inputs that are not valid are not retried.")
            )
        _check_images(job)
        if job.kind != BatchJob.Kind.IMAGES and not job.file:
            raise JobFileRemoved
        if job.kind == BatchJob.Kind.TABLE:
            check_mapping(job)
        job.failed_items -= failed
        job.options = {**job.options, RETRY_OPTION: 1}
        job.options.pop(RATE_OPTION, None)
        if job.options.pop(UNCOUNTED_OPTION, False):
            count_predictions(user=job.user, count=job.total_items or 0)
        job.error_code = job.error_message = ""
        for name, value in {**get_queued_values(), "completed_at": None}.items():
            setattr(job, name, value)
        job.save()
        enqueue_job(job)
    return job


def _check_images(job: BatchJob) -> None:
    if job.kind == BatchJob.Kind.IMAGES and not job.total_items:
        raise InvalidInput(gettext("No images were uploaded to this batch job."), code="no-images", field="images")


def list_failed_items(job: BatchJob) -> Any:
    """Return the items whose prediction failed."""
    return BatchJobItem.objects.filter(job=job, prediction__status=Prediction.Status.FAILED)


def release_job(job: BatchJob) -> None:
    """Queue a running job again, so that other tasks get a turn."""
    with transaction.atomic():
        if filter_leased(job).update(**get_queued_values()):
            enqueue_job(job)


def finish_job(job: BatchJob) -> None:
    """Mark a job as succeeded, unless images were added meanwhile: then queue it again."""
    with transaction.atomic():
        locked = lock_leased_job(job)
        if BatchJobImage.objects.filter(job=job).exists():
            release_job(locked)
        else:
            end_job(locked, Status.SUCCEEDED)


def fail_job(job: BatchJob, *, code: str, message: str) -> None:
    """Mark a job as failed. What was processed stays."""
    logger.error("batch job failed", extra={"job": str(job.pk), "error_code": code})
    with transaction.atomic():
        end_job(lock_leased_job(job), Status.FAILED, error_code=code, error_message=message)


def cancel_leased_job(job: BatchJob, *, error_code: str, error_message: str) -> None:
    """Mark a running job as canceled by its worker, with the reason. What was processed stays."""
    with transaction.atomic():
        end_job(lock_leased_job(job), Status.CANCELED, error_code=error_code, error_message=error_message)


def requeue_lost_jobs() -> int:
    """Queue jobs again whose task or worker is lost, and start uploads of images that have stopped. Return their number.

    An upload stays a draft while the quota of its user is used up.
    """
    now = timezone.now()
    lease_seconds = max(settings.BATCH_JOB_LEASE_SECONDS, settings.TASK_REPEAT_SECONDS)
    lost = build_free_condition(now=now, lease_seconds=lease_seconds)
    open_jobs = BatchJob.objects.filter(status__in=(Status.QUEUED, Status.RUNNING), completed_at=None)
    jobs = list(open_jobs.filter(lost).order_by("leased_until")[:MAX_SWEPT_JOBS])
    images = BatchJobImage.objects.filter(job=OuterRef("pk"))
    recent = images.filter(created_at__gte=now - timedelta(seconds=UPLOAD_PAUSE_SECONDS))
    drafts = BatchJob.objects.filter(status=Status.DRAFT, kind=BatchJob.Kind.IMAGES, completed_at=None)
    jobs += drafts.filter(Exists(images), ~Exists(recent))[:MAX_SWEPT_JOBS]
    count = 0
    for job in jobs:
        with suppress(LimitReached), transaction.atomic():
            unchanged = BatchJob.objects.filter(pk=job.pk, status=job.status, leased_until=job.leased_until)
            if unchanged.update(**(get_queued_values() | {"attempts": job.attempts})):
                if job.status == Status.DRAFT:
                    count_predictions(user=job.user, count=job.total_items or 0)
                enqueue_job(job)
                count += 1
    return count


def lock_job(job: BatchJob) -> BatchJob:
    """Return the current row of a job, locked until the end of the transaction.

    Raises:
        RowDeleted: the job was deleted, such as an old draft.
    """
    return lock_row(job)


def end_job(job: BatchJob, status: str, *, error_code: str = "", error_message: str = "") -> None:
    """Give a locked job a final status, and record its event.

    A retry that has not ended has reduced the number of failed items: count again. The results of items that succeeded may
    have been removed since, so only their number is known.
    """
    if job.options.pop(RETRY_OPTION, None) is not None:
        job.failed_items = max(0, BatchJobItem.objects.filter(job=job).count() - job.succeeded_items)
    if job.status == Status.DRAFT:
        job.options[UNCOUNTED_OPTION] = True
    job.status, job.completed_at, job.leased_until = status, timezone.now(), None
    job.error_code, job.error_message = error_code, error_message
    job.save()
    event = build_event(type="batch_job.ended", subject=job.pk, user_id=job.user_id, data=_describe_end(job))
    record_events(events=[event])


def _describe_end(job: BatchJob) -> dict[str, Any]:
    """Return the data of the event. It is stored, because a retry changes the row, and contains nothing that users wrote."""
    names = ("status", "kind", "total_items", "succeeded_items", "failed_items")
    version = job.model_version
    return {
        "id": str(job.pk),
        **{name: getattr(job, name) for name in names},
        "model": version.model.name,
        "model_version": version.number,
        "error_code": job.error_code or None,
    }
