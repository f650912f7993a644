"""Run a statement that is composed of compiled querysets and literal SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.models import QuerySet


def compile_query(queryset: QuerySet) -> tuple[str, Sequence[Any]]:
    """Return the SQL of a queryset with placeholders, and its parameters."""
    return queryset.query.get_compiler(connection=connection).as_sql()


def execute_query(sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Return the rows of a SELECT statement."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()
