"""How long a migration waits for a lock on PostgreSQL.

A statement that changes a table waits for the queries that use it, and all later queries wait behind the statement. A
migration therefore stops after a short time. Building an index concurrently blocks no query, so it can wait for long.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections

LOCK_SECONDS = 2


def limit_lock_waits(using: str, **kwargs: Any) -> None:
    """Let the statements of the next migrations wait only for a short time. A receiver of `pre_migrate`."""
    _set_lock_timeout(connections[using], LOCK_SECONDS)


def restore_lock_waits(using: str, **kwargs: Any) -> None:
    """Use the limits of the process again. A receiver of `post_migrate`."""
    connection: Any = connections[using]
    if connection.vendor == "postgresql" and connection.connection is not None:
        connection.apply_limits()


@contextmanager
def wait_for_locks(connection: Any) -> Iterator[None]:
    """Wait as long as necessary inside the block, for statements that block no query meanwhile."""
    _set_lock_timeout(connection, 0)
    try:
        yield
    finally:
        _set_lock_timeout(connection, LOCK_SECONDS)


def _set_lock_timeout(connection: Any, seconds: int) -> None:
    # Behind a pooler in transaction mode, the setting would apply to the sessions of other processes.
    if connection.vendor == "postgresql" and not connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS"):
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, false)", [f"{seconds}s"])
