"""SQL statements that are executed on every request and therefore bypass the query compiler of the ORM."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections


class Statement:
    """A SQL statement that PostgreSQL parses and plans once per connection.

    Django compiles an ORM query each time, which takes longer than PostgreSQL takes to execute it.

    Args:
        sql: with the placeholder %s.
    """

    def __init__(self, sql: str) -> None:
        self.sql = sql
        self.name = f"mlsite_{hashlib.sha256(sql.encode()).hexdigest()[:16]}"

    def fetch_one(self, params: Sequence[Any]) -> tuple[Any, ...] | None:
        """Execute the statement, and return its first row, or None.

        Raises:
            DatabaseError: as Django's cursors do.
        """
        with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            self.execute(cursor, params)
            row: tuple[Any, ...] | None = cursor.fetchone()
            return row

    def execute(self, cursor: Any, params: Sequence[Any]) -> None:
        """Execute the statement with a cursor of the default database."""
        backend: Any = cursor.db
        if backend.vendor == "postgresql":
            backend.execute_prepared(cursor, self.name, self.sql, params)
        else:
            cursor.execute(self.sql, params)  # sqlite3 keeps compiled statements itself
