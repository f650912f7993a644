"""Delete the drafts of batch jobs that nobody has started."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from predictions.models import BatchJob, BatchJobImage
from predictions.services.removed_files import delete_removed_files, remove_files

DRAFT_DAYS = 30
MAX_DELETED_DRAFTS = 500  # per run


def delete_old_drafts() -> int:
    """Delete the drafts that are older than `DRAFT_DAYS`, with their files. Return their number. A background job.

    Drafts with waiting images remain, because the sweep starts them. Each draft is deleted in a transaction of its own, and
    its file after it.
    """
    # A job remains while the response that names it can be repeated.
    age = max(timedelta(days=DRAFT_DAYS), timedelta(hours=settings.IDEMPOTENCY_HOURS + 1))
    old = _select_drafts().filter(created_at__lt=timezone.now() - age).values_list("pk", flat=True)
    count = sum(_delete_draft(pk) for pk in list(old[:MAX_DELETED_DRAFTS]))
    if count:
        delete_removed_files()
    return count


def _select_drafts() -> QuerySet[BatchJob]:
    images = BatchJobImage.objects.filter(job=OuterRef("pk"))
    drafts: QuerySet[BatchJob] = BatchJob.objects.filter(~Exists(images), status=BatchJob.Status.DRAFT, completed_at=None)
    return drafts


def _delete_draft(pk: UUID) -> bool:
    """Delete a draft, unless it was started or got images meanwhile. Return whether it was deleted."""
    with transaction.atomic():
        BatchJob.objects.select_for_update().filter(pk=pk).first()
        job = _select_drafts().filter(pk=pk).first()
        if job is None:
            return False
        remove_files(names=[str(job.file)])
        job.delete()
    return True
