"""The lock that lets one process migrate at a time, and how long a migration waits for other locks on PostgreSQL.

A statement that changes a table waits for the queries that use it, and all later queries wait behind the statement. A
migration therefore stops after a short time. Building an index concurrently blocks no query, so it can wait for long.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

from django.db import connections

from core.file_locks import try_lock

LOCK_SECONDS = 2
MIGRATION_LOCK = 7_160_423_815  # number of the advisory lock of `migrate`, which no other lock of the site uses
RETRY_SECONDS = 0.5  # between two attempts to get this lock


@contextmanager
def hold_migration_lock(connection: Any, *, report_wait: Callable[[], object]) -> Iterator[None]:
    """Hold the lock of `migrate` on this database for the block. Wait while another process holds it.

    On PostgreSQL, the lock belongs to the transaction of a separate connection, so that it also works behind a pooler, and
    ends with the process. With SQLite, it is a file in VAR_DIR; other processes cannot open a database in memory.

    Args:
        report_wait: called once if another process holds the lock.
    """
    if connection.vendor == "sqlite" and connection.is_in_memory_db():
        yield
        return
    holder = _hold_advisory_lock(connection) if connection.vendor == "postgresql" else _hold_file_lock()
    with holder as try_migration_lock:
        is_reported = False
        while not try_migration_lock():
            if not is_reported:
                report_wait()
            is_reported = True
            time.sleep(RETRY_SECONDS)
        yield


@contextmanager
def _hold_advisory_lock(connection: Any) -> Iterator[Callable[[], bool]]:
    """Yield a function that tries to get the lock. A statement that waits would stop an index from being built."""
    with closing(connection.copy()) as holder:
        holder.set_autocommit(False)
        with holder.cursor() as cursor:

            def try_migration_lock() -> bool:
                cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [MIGRATION_LOCK])
                return bool(cursor.fetchone()[0])

            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            yield try_migration_lock


@contextmanager
def _hold_file_lock() -> Iterator[Callable[[], bool]]:
    """Yield a function that tries to get the lock."""
    with ExitStack() as held:

        def try_migration_lock() -> bool:
            with ExitStack() as attempt:
                is_locked = attempt.enter_context(try_lock("migrate"))
                if is_locked:
                    held.enter_context(attempt.pop_all())
                return is_locked

        yield try_migration_lock


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
