"""Sort and page the history. A page starts after a prediction, so that no page reads the rows of the pages before it."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q

from core.fields import parse_uuid
from core.pagination import KeysetPage
from predictions.models import Prediction
from predictions.querysets import PredictionQuerySet

MAX_COUNT = 10_000  # a larger number of rows is not counted
DEFAULT_SORT = "-time"
SORTS = {"-time": "-id", "time": "id", "-confidence": "-confidence", "confidence": "confidence"}
"""The field of each order. IDs are in the order of time, and decide between equal confidences."""


def count_rows(rows: PredictionQuerySet) -> int:
    """Return the number of rows, at most `MAX_COUNT` + 1."""
    count: int = rows.order_by()[: MAX_COUNT + 1].count()
    return count


def get_sorted_page(
    rows: PredictionQuerySet, *, sort: str, older_than: str = "", newer_than: str = "", size: int
) -> KeysetPage:
    """Return the page after or before a prediction, or the first page.

    Predictions without a confidence are not part of a list by confidence. Invalid IDs are ignored.

    Args:
        sort: a key of `SORTS`.
        older_than: the ID of the last prediction of the page before.
        newer_than: the ID of the first prediction of the page after.
    """
    field = SORTS[sort].lstrip("-")
    is_descending, older, newer = sort.startswith("-"), parse_uuid(older_than), parse_uuid(newer_than)
    rows = rows.filter(confidence__isnull=False) if field == "confidence" else rows
    if newer and not older:
        found = list(_order(_start_at(rows, field, newer, not is_descending), field, not is_descending)[: size + 1])
        has_more, page = len(found) > size, found[:size][::-1]
        return KeysetPage(page, page[-1].id if page else None, page[0].id if has_more else None)
    started = _start_at(rows, field, older, is_descending) if older else rows
    found = list(_order(started, field, is_descending)[: size + 1])
    has_more, page = len(found) > size, found[:size]
    return KeysetPage(page, page[-1].id if has_more else None, page[0].id if older and page else None)


def _order(rows: PredictionQuerySet, field: str, is_descending: bool) -> PredictionQuerySet:
    sign = "-" if is_descending else ""
    return rows.order_by(f"{sign}id") if field == "id" else rows.order_by(f"{sign}{field}", f"{sign}id")


def _start_at(rows: PredictionQuerySet, field: str, start: UUID, is_descending: bool) -> PredictionQuerySet:
    """Return the rows after a prediction in the order of a field and the ID."""
    operator = "lt" if is_descending else "gt"
    after = Q(**{f"id__{operator}": start})
    if field == "id":
        return rows.filter(after)
    confidence = Prediction.objects.filter(pk=start).values_list("confidence", flat=True).first()
    if confidence is None:
        return rows
    # The first condition limits the range of the index, the second one skips rows with the same confidence.
    return rows.filter(Q(**{f"{field}__{operator}e": confidence}), after | Q(**{f"{field}__{operator}": confidence}))
