"""Connections and cursors of psycopg2 that the watchdog watches."""

from __future__ import annotations

import functools
from collections.abc import Callable
from time import monotonic
from typing import Any, NoReturn

import psycopg2
from psycopg2 import errors, extensions

from core.postgresql.watchdog import watchdog

# Errors of a database that cannot be written to, or of a lost connection, of which Django and psycopg2 make internal ones.
UNAVAILABLE_ERRORS = (errors.ReadOnlySqlTransaction, errors.IdleInTransactionSessionTimeout)


def watch(method: Callable[..., Any]) -> Callable[..., Any]:
    """Note when a call of a method of psycopg2 starts, and that it has ended. Refuse it while the server is stalled.

    Raises:
        OperationalError: as psycopg2 does, and if the server does not respond, cannot be written to, or is lost.
    """

    @functools.wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        connection = self if isinstance(self, extensions.connection) else self.connection
        if watchdog.is_stalled:
            raise psycopg2.OperationalError("The database does not respond.")
        connection.started = monotonic()
        try:
            return method(self, *args, **kwargs)
        except psycopg2.Error as error:
            _raise_error(connection, error)
        finally:
            connection.started = 0.0

    return call


class WatchedCursor(extensions.cursor):
    execute = watch(extensions.cursor.execute)
    executemany = watch(extensions.cursor.executemany)
    callproc = watch(extensions.cursor.callproc)
    copy_expert = watch(extensions.cursor.copy_expert)


class WatchedServerCursor(WatchedCursor):
    """A cursor with a name, which reads its rows from the server in parts."""

    fetchone = watch(extensions.cursor.fetchone)
    fetchmany = watch(extensions.cursor.fetchmany)
    fetchall = watch(extensions.cursor.fetchall)
    __next__ = watch(extensions.cursor.__next__)
    close = watch(extensions.cursor.close)


class WatchedConnection(extensions.connection):
    """A connection that the watchdog watches.

    Attributes:
        started: when the running statement started, on the monotonic clock; 0 if there is none.
        limit_seconds: after which the watchdog stops it; 0 for no limit.
        is_in_use: False while Django checks an idle connection, which may be broken although the server responds.
        is_stopped: the watchdog has shut the connection down.
    """

    started = 0.0
    limit_seconds = 0.0
    is_in_use = True
    is_stopped = False

    commit = watch(extensions.connection.commit)
    rollback = watch(extensions.connection.rollback)

    def cursor(self, name: str | None = None, *args: Any, **kwargs: Any) -> Any:
        if name is not None:
            kwargs.setdefault("cursor_factory", WatchedServerCursor)
        return super().cursor(name, *args, **kwargs)


def _raise_error(connection: WatchedConnection, error: psycopg2.Error) -> NoReturn:
    if connection.is_stopped:
        raise psycopg2.OperationalError("The database did not respond in time.") from error
    is_lost = connection.closed and not isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError)
    if is_lost or isinstance(error, UNAVAILABLE_ERRORS):
        raise psycopg2.OperationalError(str(error).strip()) from error
    raise error
