"""Django's SQLite backend. Waits for a lock depend on the limits of the thread, and tables are copied in one transaction."""

from __future__ import annotations

from typing import Any

from django.db.backends.sqlite3 import base, schema
from django.db.transaction import atomic

from core.database_limits import get_limits

MAX_LOCK_SECONDS = 20.0  # also of commands: a lock that is held for longer is not that of a short transaction


class SchemaEditor(schema.DatabaseSchemaEditor):
    """Statements that change tables while other processes write to them."""

    def _remake_table(self, *args: Any, **kwargs: Any) -> None:
        """Copy a table, drop it, and rename the copy, in one transaction.

        In a migration with `atomic = False`, rows that another process inserts after the copy would be lost.
        """
        with atomic(self.connection.alias):
            super()._remake_table(*args, **kwargs)  # type: ignore[misc]  # the stubs do not contain it


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection to SQLite."""

    SchemaEditorClass = SchemaEditor

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        return super().get_new_connection({**conn_params, "timeout": get_lock_seconds()})

    def apply_limits(self) -> None:
        """Use the limits of the thread for the open connection."""
        self.connection.execute(f"PRAGMA busy_timeout = {round(get_lock_seconds() * 1000)}")


def get_lock_seconds() -> float:
    """Return how long a statement of this thread waits for a lock."""
    return min(get_limits().lock or MAX_LOCK_SECONDS, MAX_LOCK_SECONDS)
