"""Find what is older than a retention policy allows, in chunks for short transactions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from core.fields import get_first_id
from predictions.batch_jobs.files import IMAGE_COLUMN_OPTION
from predictions.models import BatchJob, Prediction, RetentionPolicy, SummaryProgress
from predictions.services.retention_positions import find_positions
from predictions.usage import PREDICTIONS
from registry.models import ModelVersion

ROWS_PER_TRANSACTION = 200
Chunk = tuple[datetime, list[UUID]]
"""The time before which data is removed, and the IDs of predictions or batch jobs that can be older."""


def iterate_rows(policy: RetentionPolicy, now: datetime) -> Iterator[Chunk]:
    if limit := find_row_limit(policy, now):
        for version in _list_versions(policy):
            for ids in _iterate_ids(version, limit, None):
                yield limit, ids


def iterate_images(policy: RetentionPolicy, now: datetime) -> Iterator[Chunk]:
    """Yield the predictions whose images were not checked yet."""
    if limit := policy.get_limit(policy.image_days, now):
        for version in _list_versions(policy):
            last = find_positions(policy, now).get(str(version))
            for ids in _iterate_ids(version, limit, UUID(last) if last else None):
                yield limit, ids


def iterate_jobs(policy: RetentionPolicy, now: datetime) -> Iterator[Chunk]:
    """Yield the ended batch jobs whose files contain rows or images that the policy does not allow any longer."""
    row_limit, image_limit = (policy.get_limit(days, now) for days in (policy.row_days, policy.image_days))
    with_images = Q(kind=BatchJob.Kind.ARCHIVE) | Q(options__has_key=IMAGE_COLUMN_OPTION)
    jobs = BatchJob.objects.filter(model_version__model=policy.model).exclude(file="").order_by("pk")
    for limit, rows in ((row_limit, jobs), (image_limit, jobs.filter(with_images))):
        if limit is None:
            continue
        ids = list(rows.filter(completed_at__lt=limit).values_list("pk", flat=True))
        for start in range(0, len(ids), ROWS_PER_TRANSACTION):
            yield limit, ids[start : start + ROWS_PER_TRANSACTION]


def find_row_limit(policy: RetentionPolicy, now: datetime) -> datetime | None:
    """Return the time before which rows are removed: only days whose predictions and reviews have been counted."""
    limit, counted = policy.get_limit(policy.row_days, now), SummaryProgress.get_until(PREDICTIONS)
    return None if limit is None or counted is None else min(limit, counted)


def _list_versions(policy: RetentionPolicy) -> list[UUID]:
    return list(ModelVersion.objects.filter(model=policy.model).order_by("number").values_list("pk", flat=True))


def _iterate_ids(version: UUID, limit: datetime, last: UUID | None) -> Iterator[list[UUID]]:
    """Yield the IDs of the predictions of a version before a time, the oldest first."""
    rows = Prediction.objects.filter(model_version=version, id__lt=get_first_id(limit)).order_by("id")
    while True:
        ids = list((rows.filter(id__gt=last) if last else rows).values_list("id", flat=True)[:ROWS_PER_TRANSACTION])
        if not ids:
            return
        yield ids
        last = ids[-1]
