"""Sort and page the history. A page starts after a prediction, so that no page reads the rows of the pages before it."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q

from core.fields import parse_uuid
from core.pagination import KeysetPage
from predictions.models import Prediction
from predictions.querysets import PredictionQuerySet

MAX_COUNT = 10_000  # a larger number of rows is not counted
MAX_SHORT_COUNT = 1_000  # of a list that is found first and then sorted
DEFAULT_SORT = "-time"
SORTS = {"-time": "-id", "time": "id", "-confidence": "-confidence", "confidence": "confidence"}
"""The field of each order. IDs are in the order of time, and decide between equal confidences."""


def count_rows(rows: PredictionQuerySet) -> int:
    """Return the number of rows, at most `MAX_COUNT` + 1."""
    count: int = rows.order_by()[: MAX_COUNT + 1].count()
    return count


def get_sorted_page(
    rows: PredictionQuerySet, *, sort: str, older_than: str = "", newer_than: str = "", size: int, is_short: bool = False
) -> KeysetPage:
    """Return the page after or before a prediction, or the first page.

    Predictions without a confidence are not part of a list by confidence. Invalid IDs are ignored.

    Args:
        sort: a key of `SORTS`.
        older_than: the ID of the last prediction of the page before.
        newer_than: the ID of the first prediction of the page after.
        is_short: the list has at most `MAX_SHORT_COUNT` predictions, so that all of them can be sorted.
    """
    if is_short and "confidence" in sort:
        rows = _limit_to_found(rows)
    older, newer = parse_uuid(older_than), parse_uuid(newer_than)
    if newer and not older:
        opposite = sort[1:] if sort.startswith("-") else f"-{sort}"
        found = list(_start_at(sort_rows(rows, opposite), opposite, newer)[: size + 1])
        has_more, page = len(found) > size, found[:size][::-1]
        return KeysetPage(page, page[-1].id if page else None, page[0].id if has_more else None)
    rows = sort_rows(rows, sort)
    found = list((_start_at(rows, sort, older) if older else rows)[: size + 1])
    has_more, page = len(found) > size, found[:size]
    return KeysetPage(page, page[-1].id if has_more else None, page[0].id if older and page else None)


def _limit_to_found(rows: PredictionQuerySet) -> PredictionQuerySet:
    """Return the same rows, which PostgreSQL first finds by the filters and then sorts.

    Otherwise it reads the index of all confidences until it has found a page, which takes long if few predictions match.
    """
    return rows.order_by().fetch_first(MAX_SHORT_COUNT).with_related().with_reviews()


def sort_rows(rows: PredictionQuerySet, sort: str) -> PredictionQuerySet:
    """Return the rows of a list in an order, a key of `SORTS`. A list by confidence has only rows with a confidence."""
    field = SORTS[sort]
    if field.endswith("id"):
        return rows.order_by(field)
    return rows.filter(confidence__isnull=False).order_by(field, "-id" if field.startswith("-") else "id")


def start_after(rows: PredictionQuerySet, sort: str, start: UUID, confidence: float | None) -> PredictionQuerySet:
    """Return the rows after a prediction, whose confidence is given, in an order."""
    operator = "lt" if sort.startswith("-") else "gt"
    after = Q(**{f"id__{operator}": start})
    if SORTS[sort].endswith("id"):
        return rows.filter(after)
    # The first condition limits the range of the index, the second one skips rows with the same confidence.
    return rows.filter(Q(**{f"confidence__{operator}e": confidence}), after | Q(**{f"confidence__{operator}": confidence}))


def _start_at(rows: PredictionQuerySet, sort: str, start: UUID) -> PredictionQuerySet:
    """Return the rows after a prediction in an order. A prediction without a confidence is not in a list by confidence."""
    if SORTS[sort].endswith("id"):
        return start_after(rows, sort, start, None)
    confidence = Prediction.objects.filter(pk=start).values_list("confidence", flat=True).first()
    return rows if confidence is None else start_after(rows, sort, start, confidence)
