"""Run a statement that is composed of the SQL of querysets and literal SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection


def execute_query(sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Return the rows of a SELECT statement."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()
