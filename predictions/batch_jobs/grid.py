"""The results of a batch job of images as a grid: a page of its items, in an order, with one label or all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db.models import Case, F, IntegerField, Q, QuerySet, Value, When
from django.http import QueryDict
from django.urls import reverse
from django.utils.http import urlencode

from core.validators import is_storable
from predictions.batch_jobs.presentation import MAX_SHOWN_LABELS, LabelCount, count_labels
from predictions.models import BatchJob, BatchJobItem, Prediction

PAGE_SIZE = 120  # tiles
MAX_SORTED_ITEMS = 10_000  # the items of larger batch jobs are shown in the order of the upload
DOUBTFUL_ORDER, UPLOAD_ORDER = "doubtful", "upload"


@dataclass(frozen=True, slots=True)
class GridOptions:
    """What the grid shows.

    Args:
        label: only predictions with this label; empty for all items.
        order: doubtful first or in the order of the upload.
        pages: how many pages of tiles are shown.
    """

    label: str = ""
    order: str = DOUBTFUL_ORDER
    pages: int = 1

    def build_query(self, **changes: Any) -> str:
        values: dict[str, Any] = {"label": self.label, "order": self.order, "pages": self.pages} | changes
        defaults: dict[str, Any] = {"label": "", "order": DOUBTFUL_ORDER, "pages": 1}
        return urlencode({name: value for name, value in values.items() if value != defaults[name]})


class GridLink(NamedTuple):
    """A link that shows the grid in another way."""

    text: str
    query: str
    is_current: bool
    item_count: int


def parse_grid_options(parameters: QueryDict) -> GridOptions:
    """Read the options from a query string. Invalid ones are ignored."""
    order = UPLOAD_ORDER if parameters.get("order") == UPLOAD_ORDER else DOUBTFUL_ORDER
    pages = parameters.get("pages", "")
    max_pages = MAX_SORTED_ITEMS // PAGE_SIZE
    is_number = pages.isascii() and pages.isdigit() and len(pages) < 6
    label = parameters.get("label", "")
    label = label if is_storable(label) else ""
    return GridOptions(label, order, min(max(int(pages), 1), max_pages) if is_number else 1)


def has_grid(job: BatchJob) -> bool:
    """Return whether the results of a batch job are shown as a grid of images."""
    return job.kind != BatchJob.Kind.TABLE


def build_grid(job: BatchJob, options: GridOptions) -> dict[str, Any]:
    """Return the context of the grid of a batch job."""
    is_sorted = job.done_items <= MAX_SORTED_ITEMS
    if not is_sorted:
        options = GridOptions("", UPLOAD_ORDER, options.pages)
    size = options.pages * PAGE_SIZE
    items = list(_list_items(job, options)[: size + 1])
    counts = count_labels(job) if job.is_final or is_sorted else []
    return {
        "job": job,
        "items": items[:size],
        "next_query": options.build_query(pages=options.pages + 1) if len(items) > size else "",
        "query": options.build_query(),
        "label_links": _build_label_links(counts, options) if is_sorted else [],
        "hidden_label_count": max(0, len(counts) - MAX_SHOWN_LABELS) if is_sorted else 0,
        "order_links": [
            (order, options.build_query(order=order, pages=1), options.order == order)
            for order in (DOUBTFUL_ORDER, UPLOAD_ORDER)
        ],
        "is_sorted": is_sorted,
        "has_confidence": any(item.prediction and item.prediction.confidence is not None for item in items),
        "options": options,
        "url": reverse("predictions:batch-job", args=[job.pk]),
        "results_url": reverse("predictions:batch-job-results", args=[job.pk]),
    }


def _list_items(job: BatchJob, options: GridOptions) -> QuerySet[BatchJobItem]:
    items = job.items.select_related("prediction__input", "prediction__model_version__model")
    if options.label:
        items = items.filter(prediction__label=options.label, prediction__status=Prediction.Status.SUCCEEDED)
    if options.order == UPLOAD_ORDER:
        return items.order_by("number")
    is_failed = Q(prediction__isnull=True) | Q(prediction__status=Prediction.Status.FAILED)
    rank = Case(When(is_failed, then=Value(0)), default=Value(1), output_field=IntegerField())
    return items.order_by(
        rank,
        F("prediction__confidence").asc(nulls_last=True),
        F("prediction__margin").asc(nulls_last=True),
        "number",
    )


def _build_label_links(counts: list[LabelCount], options: GridOptions) -> list[GridLink]:
    """Return a link for each label. The label of the filter is always among them."""
    shown = counts[:MAX_SHOWN_LABELS]
    shown += [count for count in counts[MAX_SHOWN_LABELS:] if count.label == options.label]
    return [
        GridLink(count.label, options.build_query(label=count.label, pages=1), count.label == options.label, count.count)
        for count in shown
    ]
