"""Cursor pagination: no COUNT, no OFFSET, and no row is skipped or repeated while rows are added."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError as DjangoValidationError
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request

from core.validators import validate_name


class NewestFirstPagination(CursorPagination):
    """Sort from newest to oldest. IDs are ordered by time."""

    ordering = "-id"
    page_size_query_param = "page_size"
    invalid_cursor_message = (
        "The cursor is invalid. Use the URLs in next and previous as they are, or start without a cursor."
    )
    max_page_size = 100
    position_type: Callable[[str], object] = UUID
    """Parses the position of a cursor. It raises ValueError or ValidationError for an invalid one."""

    def get_page_size(self, request: Request) -> int | None:
        text = request.query_params.get("page_size")
        if text is None:
            return self.page_size
        if not (text.isascii() and text.isdigit() and len(text) < 5 and 1 <= int(text) <= self.max_page_size):
            raise ValidationError(
                {"page_size": f"Expected a whole number from 1 to {self.max_page_size}. Received: {text[:50]}"}
            )
        return int(text)

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Return the OpenAPI 3.1 schema of a page. REST framework describes null in the form of OpenAPI 3.0."""
        page: dict[str, Any] = super().get_paginated_response_schema(schema)
        for name in ("next", "previous"):
            link = {key: value for key, value in page["properties"][name].items() if key not in ("nullable", "example")}
            page["properties"][name] = {**link, "type": ["string", "null"]}
        return page

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Return the query parameters for the OpenAPI schema, with the limits of the page size."""
        parameters: list[dict[str, Any]] = super().get_schema_operation_parameters(view)
        for parameter in parameters:
            if parameter["name"] == self.page_size_query_param:
                parameter["schema"] = {"type": "integer", "minimum": 1, "maximum": self.max_page_size}
        return parameters

    def decode_cursor(self, request: Request) -> Cursor | None:
        cursor = super().decode_cursor(request)
        if cursor is None:
            return None
        try:
            if cursor == Cursor(0, False, None):
                raise ValueError("an empty cursor")
            if cursor.position is not None:
                self.position_type(str(cursor.position))
        except (ValueError, DjangoValidationError) as error:
            raise NotFound(self.invalid_cursor_message) from error
        return cursor


class NameOrderedPagination(NewestFirstPagination):
    """Sort by name."""

    ordering = "name"
    position_type = staticmethod(validate_name)
