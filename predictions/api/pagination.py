"""Lists by cursor: no COUNT, no OFFSET, nothing skipped or shown twice while rows are added."""

from __future__ import annotations

from rest_framework.exceptions import ValidationError
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request


class NewestFirst(CursorPagination):
    """Newest first; ids are ordered by time."""

    ordering = "-id"
    page_size_query_param = "page_size"
    max_page_size = 100

    def get_page_size(self, request: Request) -> int | None:
        asked = request.query_params.get("page_size")
        if asked is None:
            return self.page_size
        if not (asked.isascii() and asked.isdigit() and len(asked) < 5 and 1 <= int(asked) <= self.max_page_size):
            raise ValidationError(
                {"page_size": f"Expected a whole number from 1 to {self.max_page_size}. Received: {asked[:50]}"}
            )
        return int(asked)


class ByName(NewestFirst):
    ordering = "name"
