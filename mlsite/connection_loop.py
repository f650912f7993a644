"""The main loop of a worker: it owns all connections that wait for a client, and closes those of slow clients."""

from __future__ import annotations

import errno
import resource
import selectors
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

from mlsite.client_socket import ClientSocket, ClientWaits
from mlsite.request_buffer import MAX_TOTAL_BYTES, Memory, RequestBuffer, RequestUnreader, State

CLOSE_SECONDS = 2.0  # that a client has to read the last response and close the connection
CHECK_SECONDS = 0.1  # between checks of deadlines
MIN_RECEIVE_SECONDS = 5.0  # that a request has to arrive even if there is no memory left for others
RETRY_ACCEPT_SECONDS = 0.1  # after an error because there are too many open files
RESERVED_FILES = 100  # that are open besides connections: libraries, models, uploads, and the database
SURPLUS_CONNECTIONS = 8  # that are closed if there are too many open files nevertheless


class ClientConnection(TConn):
    """A connection with what has been received of its next request."""

    def __init__(self, worker: ConnectionLoop, client: ClientSocket, address: Any, server: Any) -> None:
        super().__init__(worker.cfg, client, address, server)
        self.init()
        self.buffer = RequestBuffer(worker.memory)
        self.parser.unreader = RequestUnreader(client, self.buffer)
        self.queued_at = 0.0
        self.is_streamed = False  # the request that was queued last
        self.is_closed = False

    def start_request(self) -> None:
        """Prepare the socket and the buffer for the thread that handles the request."""
        self.sock.path = self.buffer.path
        self.sock.waited_seconds = 0.0
        self.sock.start_request()
        self.buffer.start_reading()

    def finish_request(self) -> None:
        """Start the next request with what the thread has not read."""
        self.buffer.finish_reading(self.parser.unreader.take_buffered())


class ConnectionLoop(ThreadWorker):
    """Accept connections, watch those that wait for a client, and close them.

    Subclasses override `receive` and `expire_request`, and gunicorn's methods that handle requests.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.waits = ClientWaits(max(1, self.cfg.threads // 2))
        self.memory = Memory()
        max_files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        self.worker_connections: int = min(self.cfg.worker_connections, max(max_files - RESERVED_FILES, max_files // 2))
        self.watched: dict[ClientConnection, float] = {}  # connections in the poller, with their deadlines
        self.closing: set[ClientConnection] = set()
        self.accepts_after = self.checks_after = 0.0

    def receive(self, conn: ClientConnection) -> None:
        """Receive what has arrived on a connection."""
        raise NotImplementedError

    def expire_request(self, conn: ClientConnection) -> None:
        """Respond to a request that did not arrive in time, and close the connection."""
        raise NotImplementedError

    def check_requests(self) -> None:
        """Check the requests that wait for a thread. Called every `CHECK_SECONDS`."""

    def set_accept_enabled(self, enabled: bool) -> None:
        if not enabled or monotonic() >= self.accepts_after:
            super().set_accept_enabled(enabled)

    def accept(self, listener: socket.socket) -> None:
        """Accept a connection and receive its first request."""
        try:
            accepted, address = listener.accept()
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.ECONNABORTED, errno.EPROTO):
                self._pause_accepting(error)
            return
        self.nr_conns += 1
        if self.nr_conns >= self.worker_connections:
            self._close_oldest()
        conn = ClientConnection(self, ClientSocket(accepted, self.waits), address, listener.getsockname())
        self._call(self.receive, conn)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Wait for events, but not beyond the next check of deadlines if there are any."""
        super().wait_for_and_dispatch_events(min(timeout, CHECK_SECONDS) if self.nr_conns or self.accepts_after else timeout)

    def murder_pending(self) -> None:
        """Check all deadlines. gunicorn calls this after each wait for events."""
        now = monotonic()
        if now < self.checks_after:
            return
        self.checks_after = now + CHECK_SECONDS
        for conn in [conn for conn, deadline in self.watched.items() if deadline <= now]:
            self._call(self._expire, conn)
        if self.memory.used_bytes > MAX_TOTAL_BYTES:
            self._expire_largest(now - MIN_RECEIVE_SECONDS)
        self.check_requests()
        self.waits.end_surplus()

    def murder_keepalived(self, force: bool = False) -> None:
        """Close all connections that wait for a client, at the end."""
        if force:
            for conn in list(self.watched):
                self.close(conn)

    def _cap_keepalive(self, deadline: float) -> None:
        for conn, current in self.watched.items():
            if conn.buffer.state is State.EMPTY:
                self.watched[conn] = min(current, deadline)

    def watch(self, conn: ClientConnection, event: int, callback: Callable[..., None], deadline: float) -> None:
        self.poller.register(conn.sock, event, partial(self._call, callback, conn))
        self.watched[conn] = deadline

    def _call(self, callback: Callable[..., object], conn: ClientConnection, *_: object) -> None:
        """Do something with one connection. If it fails, close the connection: the worker serves all the others."""
        try:
            if conn in self.watched:
                self._unwatch(conn)
            callback(conn)
        except Exception:
            self.log.exception("Error on a connection.")
            self.close(conn)

    def _unwatch(self, conn: ClientConnection) -> None:
        del self.watched[conn]
        self.poller.unregister(conn.sock)

    def close(self, conn: ClientConnection) -> None:
        if conn.is_closed:
            return
        conn.is_closed = True
        if conn in self.watched:
            self._unwatch(conn)
        self.closing.discard(conn)
        conn.buffer.clear()
        self.nr_conns -= 1
        conn.close()

    def send_output(self, conn: ClientConnection, *, is_kept: bool) -> None:
        try:
            is_sent = conn.sock.flush_output()
        except OSError:
            self.close(conn)
            return
        if not is_sent:
            self.watch(conn, selectors.EVENT_WRITE, partial(self.send_output, is_kept=is_kept), conn.sock.deadline)
        elif is_kept:
            self.receive(conn)
        else:
            self._start_closing(conn)

    def _start_closing(self, conn: ClientConnection) -> None:
        """Wait until the client has closed the connection, or else the last response could be lost (RFC 9112, 9.6)."""
        try:
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.close(conn)
            return
        self.closing.add(conn)
        conn.timeout = monotonic() + CLOSE_SECONDS
        self.watch(conn, selectors.EVENT_READ, self._discard, conn.timeout)

    def _discard(self, conn: ClientConnection) -> None:
        try:
            is_open = conn.sock.receive_now(2**16) != b""
        except OSError:
            is_open = False
        if is_open and monotonic() < conn.timeout:
            self.watch(conn, selectors.EVENT_READ, self._discard, conn.timeout)
        else:
            self.close(conn)

    def _pause_accepting(self, error: OSError) -> None:
        """Wait before the next connection is accepted. Close some that are idle: there may be too many open files."""
        self.log.warning("cannot accept connections: %s", error)
        for _ in range(SURPLUS_CONNECTIONS):
            self._close_oldest()
        self.accepts_after = monotonic() + RETRY_ACCEPT_SECONDS
        self.set_accept_enabled(False)

    def _close_oldest(self) -> None:
        """Close the connection that has waited for its client for longest, preferably one that is closing or idle."""
        candidates = [conn for conn in self.watched if conn in self.closing or conn.buffer.state is State.EMPTY]
        if conn := next(iter(candidates or self.watched), None):
            self.close(conn)

    def _expire(self, conn: ClientConnection) -> None:
        """Close a connection whose client is too slow, with a response if it has sent a part of a request."""
        if conn in self.closing or conn.sock.output:
            self.close(conn)
        elif conn.buffer.state is State.INCOMPLETE:
            self.expire_request(conn)
        elif self._has_data(conn):
            self.receive(conn)  # the client could not know whether a request that has just arrived was handled
        else:
            self.close(conn)

    def _expire_largest(self, started_before: float) -> None:
        """Close the connections whose slow requests use the most memory, until there is memory for those of others.

        Threads would receive these, and only some threads do.
        """
        slow = [conn for conn in self.watched if conn.buffer.state is State.INCOMPLETE]
        slow = [conn for conn in slow if conn.buffer.started < started_before]
        for conn in sorted(slow, key=lambda conn: conn.buffer.counted_bytes, reverse=True):
            if self.memory.used_bytes <= MAX_TOTAL_BYTES:
                break
            self._call(self.expire_request, conn)
            conn.buffer.clear()

    @staticmethod
    def _has_data(conn: ClientConnection) -> bool:
        with suppress(OSError):
            conn.buffer.receive(conn.sock)
        return conn.buffer.state not in (State.EMPTY, State.CLOSED)
