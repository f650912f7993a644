"""Pages of a list by key: one query a page, no COUNT, no OFFSET."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import QuerySet


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, newest first, and the ids that lead to the pages beside them; None where there is nothing more."""

    rows: list[Any]
    older_than: UUID | None
    newer_than: UUID | None


def page_of(queryset: QuerySet, *, older_than: str = "", newer_than: str = "", size: int) -> Page:
    """Return the page before or after an id, or the newest. An id that is none is taken for no id."""
    older, newer = _as_uuid(older_than), _as_uuid(newer_than)
    if newer and not older:
        rows = list(queryset.filter(id__gt=newer).order_by("id")[: size + 1])
        more = len(rows) > size
        rows = rows[:size][::-1]
        return Page(rows, rows[-1].id if rows else None, rows[0].id if more else None)
    if older:
        queryset = queryset.filter(id__lt=older)
    rows = list(queryset.order_by("-id")[: size + 1])
    more, rows = len(rows) > size, rows[:size]
    return Page(rows, rows[-1].id if more else None, rows[0].id if older and rows else None)


def _as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
