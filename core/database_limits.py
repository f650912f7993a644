"""How long statements may take: short limits for requests, long ones for commands, background work, and exports.

A process has the long limits unless it serves requests. All limits of requests follow from `DATABASE_TIMEOUT`, so that a
request gets its error within that time, although it can meet several of them.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, connections


@dataclass(frozen=True, slots=True)
class DatabaseLimits:
    """Limits in seconds. 0 means no limit.

    Args:
        statement: after which the server cancels a statement.
        lock: after which a statement stops waiting for the lock of another one. With SQLite, there is no other limit.
        response: after which this process stops waiting for the server. It is longer than `statement`: a server that has
            not canceled the statement by then is stalled or unreachable.
        idle: after which the server ends a transaction in which nothing happens.
    """

    statement: float
    lock: float
    response: float
    idle: float


class _Process:
    serves_requests = False


_thread = threading.local()


def use_request_limits() -> None:
    """Use the short limits in this process, except inside `use_job_limits`."""
    _Process.serves_requests = True


@contextmanager
def use_job_limits() -> Iterator[None]:
    """Use the long limits in this thread, also for its open connection."""
    previous = getattr(_thread, "is_job", False)
    _thread.is_job = True
    _apply_limits()
    try:
        yield
    finally:
        _thread.is_job = previous
        _apply_limits()


def get_limits() -> DatabaseLimits:
    """Return the limits of this thread."""
    if _Process.serves_requests and not getattr(_thread, "is_job", False):
        return build_request_limits(settings.DATABASE_TIMEOUT)
    seconds = settings.DATABASE_JOB_TIMEOUT
    return DatabaseLimits(statement=seconds, lock=seconds, response=seconds * 1.1, idle=seconds)


def build_request_limits(seconds: float) -> DatabaseLimits:
    """Return the limits of requests that must get an error within this time.

    A request can wait twice for the lock of SQLite: for the request that writes before it, and then itself.
    """
    return DatabaseLimits(statement=seconds * 0.75, lock=seconds * 0.5, response=seconds * 0.9, idle=seconds * 15)


def _apply_limits() -> None:
    connection: Any = connections[DEFAULT_DB_ALIAS]
    if not _Process.serves_requests or connection.connection is None:
        return
    try:
        connection.apply_limits()
    except (DatabaseError, InterfaceError):  # the next statement opens a new connection, or reports the error
        connection.close()
