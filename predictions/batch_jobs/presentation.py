"""Format batch jobs for pages: title, status, failed items, and counts of labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from django.db.models import Count, Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from core.formatting import format_count, format_short_percent
from predictions.batch_jobs.progress import BatchJobProgress
from predictions.models import BatchJob, BatchJobItem, Prediction
from predictions.stored_errors import describe_prediction_error, translate_stored_error
from predictions.tables.columns import get_job_table

MAX_SHOWN_FAILURES = 20
MAX_SHOWN_LABELS = 20
MAX_COUNTED_ITEMS = 100_000  # a page does not count the labels of larger batch jobs

DELIMITER_NAMES = {
    ",": gettext_lazy("separated by commas"),
    ";": gettext_lazy("separated by semicolons"),
    "\t": gettext_lazy("separated by tabs"),
}
ENCODING_NAMES = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8", "utf-16": "UTF-16", "cp1252": "Windows-1252"}
Status = BatchJob.Status


class Failure(NamedTuple):
    """A failed item: its line or file name, the error, and the page of its prediction, if it has one."""

    name: str
    message: str
    code: str
    url: str


@dataclass(frozen=True, slots=True)
class LabelCount:
    """How often a label was predicted, and its share of all labels."""

    label: str
    count: int
    share: float


def format_job_title(job: BatchJob) -> str:
    """Return the file name or, for uploaded images, their number."""
    if job.original_name:
        return job.original_name
    if job.kind == BatchJob.Kind.IMAGES and job.total_items:
        return format_items(job, job.total_items)
    return _("Images") if job.kind == BatchJob.Kind.IMAGES else _("unnamed")


def format_page_title(job: BatchJob, progress: BatchJobProgress) -> str:
    """Return the title with the progress in percent until the batch job is final."""
    title = format_job_title(job)
    return title if job.is_final or progress.percent is None else f"{format_short_percent(progress.percent / 100)} · {title}"


def format_job_format(job: BatchJob) -> str:
    """Return how a table is read: `separated by semicolons, UTF-8`."""
    delimiter, encoding = (job.options.get(name, "") for name in ("delimiter", "encoding"))
    return ", ".join(filter(None, [str(DELIMITER_NAMES.get(delimiter, "")), ENCODING_NAMES.get(encoding, encoding)]))


def format_items(job: BatchJob, count: int) -> str:
    """Return `1 row`, or `2,000 images`."""
    values = {"count": format_count(count)}
    if job.kind == BatchJob.Kind.TABLE:
        return ngettext("%(count)s row", "%(count)s rows", count) % values
    return ngettext("%(count)s image", "%(count)s images", count) % values


def format_all_items(job: BatchJob) -> str:
    """Return the number of all items: `1 row`, or `2,000 images`."""
    return format_items(job, job.total_items or 0)


def describe_status(job: BatchJob) -> str:
    """Return a sentence that explains the status."""
    values = {
        "items": format_items(job, job.done_items),
        "failed": format_count(job.failed_items),
        "reason": translate_stored_error(job.error_message, code=job.error_code),
    }
    texts = {
        Status.FAILED: "%(reason)s",
        Status.CANCELED: _("%(items)s processed before the batch job was canceled."),
        Status.SUCCEEDED: _("%(items)s processed."),
        Status.QUEUED: _("Waiting for a worker."),
        Status.DRAFT: _("The images are being uploaded."),
        Status.RUNNING: _("Processing the file."),
    }
    if job.status == Status.CANCELED and job.error_message:
        return _("%(items)s processed. %(reason)s") % values
    if job.status == Status.SUCCEEDED and job.failed_items:
        return _("%(items)s processed, of which %(failed)s failed.") % values
    if job.status == Status.RUNNING and job.total_items:
        return _("Processing %(items)s.") % {"items": format_items(job, job.total_items)}
    return texts[Status(job.status)] % values


def get_duration(job: BatchJob) -> float | None:
    """Return the seconds from the first start to the end of a batch job; None if it has not ended."""
    if job.started_at is None or job.completed_at is None:
        return None
    return max(0.0, (job.completed_at - job.started_at).total_seconds())


def list_failures(job: BatchJob) -> list[Failure]:
    """Return the first failed items, in the order of the file. The query is skipped if there are none."""
    if not job.failed_items:
        return []
    is_failed = Q(prediction__isnull=True) | Q(prediction__status=Prediction.Status.FAILED)
    items = job.items.filter(is_failed).select_related("prediction").order_by("number")
    return [_build_failure(job, item) for item in items[:MAX_SHOWN_FAILURES]]


def has_failed_predictions(job: BatchJob) -> bool:
    """Return whether the model failed for an item. Invalid items fail again, so they are not retried."""
    return bool(job.failed_items) and job.items.filter(prediction__status=Prediction.Status.FAILED).exists()


def count_labels(job: BatchJob) -> list[LabelCount]:
    """Return how often each label was predicted, the most frequent first.

    The list is empty for models without a single label, and for batch jobs of more than 100,000 items.
    """
    if job.succeeded_items > MAX_COUNTED_ITEMS:
        return []
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
    is_table = job.kind == BatchJob.Kind.TABLE
    text = _("Row %(number)s") if is_table else _("Image %(number)s")
    name = item.name.removeprefix("Line ") if is_table else item.name  # the column is named "Line", in the user's language
    name = name or text % {"number": format_count(item.number)}
    if item.prediction is None:
        stored_name = item.name or f"{'Row' if is_table else 'Image'} {item.number:,}"  # messages are stored in English
        features = get_job_table(job.model_version.parsed_signature.input).features if is_table else ()
        message = item.error_message.removeprefix(f"{stored_name}: ")
        message = translate_stored_error(message, code=item.error_code, features=features)
        return Failure(name, message, item.error_code, "")
    prediction = item.prediction
    url = reverse("predictions:detail", args=[prediction.pk])
    return Failure(name, describe_prediction_error(prediction), prediction.error_code, url)
