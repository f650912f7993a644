"""Format batch jobs for pages: title, progress, failed items, and counts of labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from django.db.models import Count, Q
from django.urls import reverse
from django.utils import timezone

from predictions.models import BatchJob, BatchJobItem, Prediction

MAX_SHOWN_FAILURES = 20
MAX_SHOWN_LABELS = 20
MIN_RATE_SECONDS = 0.5  # before, a rate would be a guess

DELIMITER_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
NOUNS = {BatchJob.Kind.TABLE: "row"}  # of an item; otherwise `image`


@dataclass(frozen=True, slots=True)
class JobProgress:
    """How far a batch job is. Values are None while they are unknown.

    Args:
        share: of the items that are done, from 0 to 1.
        rate: items per second since the start.
    """

    title: str
    text: str
    share: float | None
    remaining: int | None
    rate: float | None
    elapsed_seconds: float | None
    remaining_seconds: float | None


class Failure(NamedTuple):
    """A failed item: its row or file name, the error, and the page of its prediction, if it has one."""

    name: str
    message: str
    code: str
    url: str


class LabelCount(NamedTuple):
    label: str
    count: int
    share: float


def format_job_title(job: BatchJob) -> str:
    """Return the file name or, for uploaded images, their number."""
    if job.original_name:
        return job.original_name
    if job.kind == BatchJob.Kind.IMAGES:
        return "Images" if job.total_items is None else format_items(job, job.total_items)
    return "unnamed"


def format_items(job: BatchJob, count: int) -> str:
    """Return `1 row`, or `2,000 images`."""
    noun = NOUNS.get(BatchJob.Kind(job.kind), "image")
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def get_progress(job: BatchJob) -> JobProgress:
    """Return the progress of a batch job."""
    remaining = None if job.total_items is None else max(0, job.total_items - job.done_items)
    share = min(1.0, job.done_items / job.total_items) if job.total_items else None
    elapsed = None
    if job.started_at:
        elapsed = max(0.0, ((job.completed_at or timezone.now()) - job.started_at).total_seconds())
    rate = job.done_items / elapsed if elapsed and elapsed >= MIN_RATE_SECONDS else None
    title = format_job_title(job)
    return JobProgress(
        title=title if share is None or job.is_final else f"{share:.0%} · {title}",
        text=_describe_status(job),
        share=share,
        remaining=remaining,
        rate=rate,
        elapsed_seconds=elapsed,
        remaining_seconds=remaining / rate if rate and remaining is not None else None,
    )


def list_failures(job: BatchJob) -> list[Failure]:
    """Return the first failed items, in the order of the file. The query is skipped if there are none."""
    if not job.failed_items:
        return []
    is_failed = Q(prediction__isnull=True) | Q(prediction__status=Prediction.Status.FAILED)
    items = job.items.filter(is_failed).select_related("prediction").order_by("number")
    return [_build_failure(job, item) for item in items[:MAX_SHOWN_FAILURES]]


def count_labels(job: BatchJob) -> list[LabelCount]:
    """Return how often each label was predicted, the most frequent first; empty for models without a single label."""
    rows = (
        Prediction.objects.filter(batch_job_item__job=job, status=Prediction.Status.SUCCEEDED)
        .exclude(label="")
        .order_by()
        .values("label")
        .annotate(count=Count("pk"))
        .order_by("-count", "label")
    )
    counts = list(rows.values_list("label", "count"))
    total = sum(count for _, count in counts)
    return [LabelCount(label, count, count / total) for label, count in counts]


def _build_failure(job: BatchJob, item: BatchJobItem) -> Failure:
    name = f"Row {item.number:,}" if job.kind == BatchJob.Kind.TABLE else item.name or f"Image {item.number:,}"
    if item.prediction is None:
        return Failure(name, item.error_message, item.error_code, "")
    prediction = item.prediction
    url = reverse("predictions:detail", args=[prediction.pk])
    return Failure(name, prediction.error_message, prediction.error_code, url)


def _describe_status(job: BatchJob) -> str:
    statuses = BatchJob.Status
    if job.status == statuses.FAILED:
        return job.error_message
    if job.status == statuses.CANCELED:
        return f"{format_items(job, job.done_items)} processed before the batch job was canceled."
    if job.status == statuses.SUCCEEDED:
        failed = f" {job.failed_items:,} of them failed." if job.failed_items else ""
        return f"{format_items(job, job.done_items)} processed.{failed}"
    if job.status == statuses.QUEUED:
        return "Waiting for a worker."
    if job.status == statuses.DRAFT:
        return "The images are being uploaded."
    return f"Processing {'the file' if job.total_items is None else format_items(job, job.total_items)}."
