"""SQL statements that are executed on every request and therefore bypass the query compiler of the ORM."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from django.db import connection


class Statement:
    """A SQL statement that returns at most one row. PostgreSQL parses and plans it once per connection.

    Django compiles an ORM query anew each time, which takes longer than PostgreSQL takes to execute it.

    Args:
        sql: with the placeholder %s.
    """

    def __init__(self, sql: str) -> None:
        self.sql = sql
        self.name = f"mlsite_{hashlib.sha256(sql.encode()).hexdigest()[:16]}"

    def fetch_one(self, params: Sequence[Any]) -> tuple[Any, ...] | None:
        """Execute the statement, and return its row or None.

        Raises:
            DatabaseError: as Django's cursors do.
        """
        if connection.vendor == "postgresql":
            backend: Any = connection  # core.postgresql
            return backend.fetch_prepared(self.name, self.sql, params)
        with connection.cursor() as cursor:  # sqlite3 keeps compiled statements itself
            cursor.execute(self.sql, params)
            return cursor.fetchone()
