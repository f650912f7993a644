"""Remove the images, rows, and files of batch jobs that are older than the retention policies of their models allow.

A policy walks through the predictions of the versions of its model, the oldest first, in short transactions. A process that
ends in between loses nothing: the next run removes the rest. Files are deleted after the transaction.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from core.locks import lock_row
from core.tasks import stopping
from predictions.models import BatchJob, BatchJobItem, Input, Prediction, RetentionPolicy, RetentionRun, Review
from predictions.models.batch_job import REMOVED_CODE
from predictions.paths import get_thumbnail_path
from predictions.services.removed_files import delete_removed_files, remove_files
from predictions.services.retention_chunks import Chunk, find_row_limit, iterate_images, iterate_jobs, iterate_rows
from predictions.services.retention_positions import find_positions
from predictions.services.reviews import lock_predictions
from predictions.services.summaries import freeze_summaries, record_removal
from predictions.services.summary_progress import lock_summaries
from predictions.signals import predictions_removing
from registry.models import RegisteredModel

logger = logging.getLogger(__name__)

POLICY_FIELDS = ("image_days", "row_days", "keep_reviewed")
REMOVED_ERROR = {"error_code": REMOVED_CODE, "error_message": "The prediction was removed by the retention policy."}


@dataclass(frozen=True, slots=True)
class Removed:
    """Number of predictions that were removed with their inputs, of images whose predictions stay, and of job files."""

    predictions: int = 0
    images: int = 0
    job_files: int = 0


Step = tuple[Iterator[Chunk], Callable[[RetentionPolicy, datetime, Sequence[UUID]], Removed]]
"""What can be removed, and the function that removes it."""


def set_retention(
    *, model: RegisteredModel, image_days: int | None, row_days: int | None, keep_reviewed: bool = True
) -> RetentionPolicy:
    """Set the policy of a model. The next run checks all its images again.

    Args:
        image_days, row_days: None if images or rows stay.

    Raises:
        ValidationError: a number of days is not valid.
    """
    with transaction.atomic():
        stored = RetentionPolicy.objects.select_for_update().filter(model=model).first()  # a run may be changing it
        policy: RetentionPolicy = stored or RetentionPolicy(model=model)
        policy.image_days, policy.row_days, policy.keep_reviewed = image_days, row_days, keep_reviewed
        policy.positions = {}
        policy.full_clean()
        policy.save()
    return policy


def change_retention(*, policy: RetentionPolicy, changes: Mapping[str, Any]) -> RetentionPolicy:
    """Change some values of a policy. Another user may have changed the others.

    Args:
        changes: by the arguments of `set_retention`.

    Raises:
        ValidationError: a number of days is not valid.
        RowDeleted: the policy was deleted.
    """
    with transaction.atomic():
        current = lock_row(policy)
        values = {name: changes.get(name, getattr(current, name)) for name in POLICY_FIELDS}
        return set_retention(model=current.model, **values)


def apply_policies() -> None:
    """Apply all policies, as a background job of the server."""
    for policy in RetentionPolicy.objects.select_related("model").order_by("pk"):
        apply_policy(policy=policy, trigger=RetentionRun.Trigger.SCHEDULE)


def apply_policy(*, policy: RetentionPolicy, trigger: str, now: datetime | None = None) -> Removed:
    """Remove what a policy does not allow. What was removed is stored as a `RetentionRun`, in the same transactions.

    If someone changes the policy, this run ends. The next one applies the new policy.

    Args:
        trigger: a `RetentionRun.Trigger`.
        now: for tests; defaults to the current time.
    """
    now = now or timezone.now()
    run = RetentionRun(trigger=trigger, **{name: getattr(policy, name) for name in ("model", *POLICY_FIELDS)})
    with transaction.atomic():
        if not _is_unchanged(policy):
            return _complete(run)
        policy.positions = find_positions(policy, now)
        policy.save(update_fields=["positions"])
    steps: tuple[Step, ...] = (
        (iterate_rows(policy, now), _remove_rows),
        (iterate_images(policy, now), _remove_images),
        (iterate_jobs(policy, now), _remove_job_files),
    )
    for chunks, remove in steps:
        for limit, ids in chunks:
            with transaction.atomic():
                if not _is_unchanged(policy):
                    return _complete(run)
                _record(run, remove(policy, limit, ids))
            if stopping.is_set():
                return _complete(run)
    return _complete(run)


def _is_unchanged(policy: RetentionPolicy) -> bool:
    """Lock a policy, and return whether nobody has changed or deleted it, and no other run has applied it meanwhile."""
    current = RetentionPolicy.objects.select_for_update().filter(pk=policy.pk).first()
    names = (*POLICY_FIELDS, "positions")
    return current is not None and all(getattr(current, name) == getattr(policy, name) for name in names)


def preview_policy(*, policy: RetentionPolicy, now: datetime | None = None) -> Removed:
    """Return what `apply_policy` would remove."""
    now = now or timezone.now()
    predictions = sum(len(_select_rows(policy, limit, ids)) for limit, ids in iterate_rows(policy, now))
    row_limit, images = find_row_limit(policy, now), 0
    for limit, ids in iterate_images(policy, now):
        removed = {row.pk for row in _select_rows(policy, row_limit, ids)} if row_limit else set()
        images += _select_inputs(policy, limit, [pk for pk in ids if pk not in removed]).count()
    job_files = {pk for _, ids in iterate_jobs(policy, now) for pk in ids}
    return Removed(predictions, images, len(job_files))


def _record(run: RetentionRun, removed: Removed) -> None:
    run.removed_predictions += removed.predictions
    run.removed_images += removed.images
    run.removed_job_files += removed.job_files
    if run.removed_predictions or run.removed_images or run.removed_job_files:
        run.save()


def _complete(run: RetentionRun) -> Removed:
    delete_removed_files()
    counts = {
        "predictions": run.removed_predictions,
        "images": run.removed_images,
        "job_files": run.removed_job_files,
    }
    if any(counts.values()):
        run.completed_at = timezone.now()
        run.save(update_fields=["completed_at"])
        logger.info("retention policy applied", extra={"model": run.model.name, **counts})
    return Removed(**counts)


def _select_rows(policy: RetentionPolicy, limit: datetime, ids: Sequence[UUID]) -> list[Prediction]:
    """Return those predictions that are removed. Higher apps can exclude some."""
    rows = Prediction.objects.filter(pk__in=ids, created_at__lt=limit, status__in=Prediction.FINAL_STATUSES)
    if policy.keep_reviewed:
        rows = rows.filter(~Exists(Review.objects.active().filter(prediction=OuterRef("pk"))))
    selected = list(rows.order_by("pk").only("pk", "created_at", "input_id"))
    excluded: set[Any] = set()
    for _, keys in predictions_removing.send(sender=Prediction, rows=selected):
        excluded.update(keys or ())
    return [row for row in selected if row.pk not in excluded]


def _remove_rows(policy: RetentionPolicy, limit: datetime, ids: Sequence[UUID]) -> Removed:
    lock_summaries()
    lock_predictions(ids)
    rows = _select_rows(policy, limit, ids)
    if not rows:
        return Removed()
    keys = [row.pk for row in rows]
    freeze_summaries(predictions=keys)
    record_removal(until=max(row.created_at for row in rows))
    BatchJobItem.objects.filter(prediction__in=keys).update(prediction=None, **REMOVED_ERROR)
    Review.objects.filter(prediction__in=keys).delete()
    Prediction.objects.filter(pk__in=keys).delete()
    unused = ~Exists(Prediction.objects.filter(input=OuterRef("pk")))
    inputs = list(Input.objects.filter(unused, pk__in={row.input_id for row in rows}))
    _remove_input_files(inputs)
    Input.objects.filter(pk__in=[row.pk for row in inputs]).delete()
    return Removed(predictions=len(keys))


def _select_inputs(policy: RetentionPolicy, limit: datetime, ids: Sequence[UUID]) -> QuerySet[Input]:
    """Return the inputs whose images are removed: those of which no prediction is newer, or stays for another reason."""
    needed = Q(created_at__gte=limit) | ~Q(status__in=Prediction.FINAL_STATUSES) | ~Q(model_version__model=policy.model)
    if policy.keep_reviewed:
        needed |= Q(Exists(Review.objects.active().filter(prediction=OuterRef("pk"))))
    is_needed = Exists(Prediction.objects.filter(needed, input=OuterRef("pk")))
    inputs = Prediction.objects.filter(pk__in=ids).order_by().values("input")
    rows: QuerySet[Input] = Input.objects.filter(~is_needed, pk__in=inputs, data_removed_at=None).exclude(image="")
    return rows


def _remove_images(policy: RetentionPolicy, limit: datetime, ids: Sequence[UUID]) -> Removed:
    rows = list(_select_inputs(policy, limit, ids).order_by("pk"))
    _remove_input_files(rows)
    Input.objects.filter(pk__in=[row.pk for row in rows]).update(data_removed_at=timezone.now())
    version = Prediction.objects.values_list("model_version", flat=True).get(pk=ids[-1])
    policy.positions[str(version)] = str(ids[-1])
    policy.save(update_fields=["positions"])
    return Removed(images=len(rows))


def _remove_job_files(policy: RetentionPolicy, limit: datetime, ids: Sequence[UUID]) -> Removed:
    jobs = list(BatchJob.objects.select_for_update().filter(pk__in=ids, completed_at__lt=limit).order_by("pk"))
    remove_files(names=[str(job.file) for job in jobs])
    BatchJob.objects.filter(pk__in=[job.pk for job in jobs]).update(file="")
    return Removed(job_files=len(jobs))


def _remove_input_files(rows: Sequence[Input]) -> None:
    with_files = [row for row in rows if row.image and row.data_removed_at is None]
    remove_files(names=[name for row in with_files for name in (str(row.image), get_thumbnail_path(row.pk))])
