"""Pagination that does not count whole tables: keyset pages for the site, a bounded paginator for the admin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.utils.functional import cached_property

from core.fields import parse_uuid
from core.formatting import format_count

MAX_COUNTED_ROWS = 10_000  # maximum number of rows in an admin list; use filters or search to find other rows


def format_bounded_count(count: int) -> str:
    """Return a number of rows that were counted up to one more than `MAX_COUNTED_ROWS`: `9,999`, or `10,000+`."""
    return format_count(count) if count <= MAX_COUNTED_ROWS else f"{format_count(MAX_COUNTED_ROWS)}+"


@dataclass(frozen=True, slots=True)
class KeysetPage:
    """Rows, newest first, and the IDs that lead to the newer and older pages; None if there is no such page."""

    rows: list[Any]
    older_than: UUID | None
    newer_than: UUID | None


def get_keyset_page(queryset: QuerySet, *, older_than: str = "", newer_than: str = "", size: int) -> KeysetPage:
    """Return the page before or after an ID, or the newest page, in one query. Invalid IDs are ignored."""
    older, newer = parse_uuid(older_than), parse_uuid(newer_than)
    if newer and not older:
        rows = list(queryset.filter(id__gt=newer).order_by("id")[: size + 1])
        has_more = len(rows) > size
        rows = rows[:size][::-1]
        return KeysetPage(rows, rows[-1].id if rows else None, rows[0].id if has_more else None)
    if older:
        queryset = queryset.filter(id__lt=older)
    rows = list(queryset.order_by("-id")[: size + 1])
    has_more, rows = len(rows) > size, rows[:size]
    return KeysetPage(rows, rows[-1].id if has_more else None, rows[0].id if older and rows else None)


class BoundedPaginator(Paginator):
    """Count at most `MAX_COUNTED_ROWS`: counting a million rows costs more than the page itself."""

    @cached_property
    def bounded_count(self) -> int:
        """Return the number of rows, or one more than `MAX_COUNTED_ROWS` if there are more."""
        rows: Any = self.object_list
        return rows.order_by()[: MAX_COUNTED_ROWS + 1].count()

    @property
    def count(self) -> int:
        return min(self.bounded_count, MAX_COUNTED_ROWS)

    @property
    def count_text(self) -> str:
        return format_bounded_count(self.bounded_count)

    def page(self, number: Any) -> Page:
        """Return a page. The IDs of its rows are read first, so that no row of the pages before it is joined.

        It saves 31 of 65 ms of CPU for page 200 of the reviews.
        """
        number = self.validate_number(number)
        start = (number - 1) * self.per_page
        rows: Any = self.object_list
        if not start:
            return Page(rows[: min(self.per_page, self.count)], number, self)
        ids = list(rows.values_list("pk", flat=True)[start : min(start + self.per_page, self.count)])
        return Page(rows.filter(pk__in=ids), number, self)
