"""Django's SQLite backend, whose wait for a lock depends on the limits of the thread."""

from __future__ import annotations

from typing import Any

from django.db.backends.sqlite3 import base

from core.database_limits import get_limits

MAX_LOCK_SECONDS = 20.0  # also of commands: a lock that is held for longer is not that of a short transaction


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection to SQLite."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        return super().get_new_connection({**conn_params, "timeout": get_lock_seconds()})

    def apply_limits(self) -> None:
        """Use the limits of the thread for the open connection."""
        self.connection.execute(f"PRAGMA busy_timeout = {round(get_lock_seconds() * 1000)}")


def get_lock_seconds() -> float:
    """Return how long a statement of this thread waits for a lock."""
    return min(get_limits().lock or MAX_LOCK_SECONDS, MAX_LOCK_SECONDS)
