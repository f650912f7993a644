"""Stop waiting for a PostgreSQL server that does not respond.

A server that is stopped with SIGSTOP, or that waits for a dead disk, still acknowledges TCP segments, and does not cancel
statements. Therefore, a thread of each process checks the running statements, and shuts down the socket of one that has
no response in time. The thread that waits for it then gets an `OperationalError`. A statement only notes when it starts,
which costs 1.3 µs of CPU. A wait callback of psycopg2 costs 2.7 µs, excludes COPY, and ignores `connect_timeout`.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import weakref
from contextlib import closing, suppress
from time import monotonic, sleep
from typing import Any

import psycopg2

logger = logging.getLogger(__name__)

CHECK_SECONDS = 0.2  # between two checks of the running statements
CONNECT_SECONDS = 2  # for one address; libpq allows no less
RETRY_SECONDS = 0.5  # between two attempts to reach a server that does not respond
SUSPECT_SECONDS = 10.0  # after which a statement with a long limit causes an attempt to reach the server


class Watchdog:
    """Watch the connections of this process.

    Attributes:
        is_stalled: the server has not responded to a statement. Until it responds again, statements fail at once: otherwise
            each request would wait, and those that need a thread would wait for all of them.
        accepts_connections: False if the server has not responded to a new connection. Open connections may still work.
    """

    def __init__(self) -> None:
        self.is_stalled = False
        self.accepts_connections = True
        self._connections: weakref.WeakSet[Any] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._has_thread = self._is_probing = False
        self._probed_at = 0.0
        self._params: dict[str, Any] = {}

    def connect(self, connect: Any, params: dict[str, Any]) -> Any:
        """Return a new connection, and watch it.

        Args:
            connect: a function that takes the parameters and returns a connection of `core.postgresql.connections`.

        Raises:
            OperationalError: the server is not available. This takes no time if it is known to be stalled.
        """
        if self.is_stalled or not self.accepts_connections:
            raise psycopg2.OperationalError("The database does not respond.")
        started = monotonic()
        try:
            connection = connect(params)
        except psycopg2.OperationalError as error:
            if _has_timed_out(error, started):
                self.accepts_connections = False
                self._start_probe(params)
            raise
        with self._lock:
            self._params = params
            self._connections.add(connection)
            if not self._has_thread:
                threading.Thread(target=self._watch, name="database-watchdog", daemon=True).start()
                self._has_thread = True
        return connection

    def _watch(self) -> None:
        while True:
            sleep(CHECK_SECONDS)
            self._check(monotonic())

    def _check(self, now: float) -> None:
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            started = connection.started
            if not started:
                continue
            seconds = now - started
            if connection.limit_seconds and seconds > connection.limit_seconds:
                if connection.is_in_use:
                    self._record_stall(seconds)  # first: a thread that gets its error must not try again at once
                _shut_down(connection, started)
            elif seconds > SUSPECT_SECONDS and now - self._probed_at > SUSPECT_SECONDS:
                self._start_probe(self._params)

    def _record_stall(self, seconds: float) -> None:
        if not self.is_stalled:
            logger.error("the database has not responded for %.1f seconds", seconds)
        self.is_stalled = True
        self._start_probe(self._params)

    def _start_probe(self, params: dict[str, Any]) -> None:
        with self._lock:
            if self._is_probing:
                return
            self._is_probing = True
        threading.Thread(target=self._probe, args=(params,), name="database-probe", daemon=True).start()

    def _probe(self, params: dict[str, Any]) -> None:
        """Try to reach the server until it responds: with a connection, or by refusing it."""
        own = {key: value for key, value in params.items() if not key.endswith("_factory")}
        try:
            while not _is_responding(own):
                self.is_stalled, self.accepts_connections = True, False
                with self._lock:
                    running = [(each, each.started) for each in self._connections if each.started]
                for connection, started in running:
                    if monotonic() - started > SUSPECT_SECONDS:
                        _shut_down(connection, started)
                sleep(RETRY_SECONDS)
        finally:
            if self.is_stalled or not self.accepts_connections:
                logger.error("the database responds again")
            self._probed_at = monotonic()
            self.is_stalled, self.accepts_connections = False, True
            self._is_probing = False


def _is_responding(params: dict[str, Any]) -> bool:
    started = monotonic()
    try:
        with closing(psycopg2.connect(**params)):
            return True
    except psycopg2.Error as error:  # a server that is down or full is not stalled
        return not _has_timed_out(error, started)


def _has_timed_out(error: psycopg2.Error, started: float) -> bool:
    """Return whether an attempt to connect has failed because nothing responded. libpq counts in whole seconds."""
    return "timeout expired" in str(error) or monotonic() - started >= CONNECT_SECONDS


def _shut_down(connection: Any, started: float) -> None:
    """Shut down the socket of a connection if it is still waiting for the statement that started then."""
    with suppress(psycopg2.Error, OSError):
        descriptor = os.dup(connection.fileno())
        with socket.socket(fileno=descriptor) as duplicate:
            # If the statement has not ended, the descriptor was that of its connection, and not of a later one.
            if connection.started == started:
                connection.is_stopped = True
                duplicate.shutdown(socket.SHUT_RDWR)


watchdog = Watchdog()


def _reset() -> None:
    """Forget the connections and the threads of the parent process after a fork."""
    watchdog.__init__()  # type: ignore[misc]


os.register_at_fork(after_in_child=_reset)
