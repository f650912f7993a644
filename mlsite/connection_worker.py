"""gunicorn's thread worker, changed so that clients cannot occupy all threads.

The main loop receives requests and sends what slow clients do not read at once. A thread gets a request when it is
complete. The main loop also responds to `/healthz`, so that this does not depend on free threads, and refuses requests that
have waited too long. It does not support TLS and HTTP/2, which the proxy terminates.
"""

from __future__ import annotations

import errno
import select
import selectors
import socket
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from time import monotonic
from typing import Any

from django.conf import settings
from gunicorn.workers.gthread import TConn, ThreadWorker

from mlsite import __version__, server_errors
from mlsite.client_socket import ClientSocket, ClientWaits
from mlsite.request_buffer import Memory, RequestBuffer, RequestUnreader, State
from mlsite.request_queue import RequestQueue

NEXT_REQUEST_MILLISECONDS = 10  # that a thread waits for the next request of its client
CLOSE_SECONDS = 2.0  # that a client has to read the last response and close the connection
CHECK_SECONDS = 0.1  # between checks of deadlines
RETRY_ACCEPT_SECONDS = 0.1  # after an error because there are too many open files
EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
HEALTH_PATH = "/healthz"
HEALTH_BODY = f"ok\nmlsite {__version__}\n".encode()
HEALTH_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nCache-Control: no-store\r\n"
    b"X-Content-Type-Options: nosniff\r\nContent-Length: %d\r\nConnection: %s\r\n\r\n"
)
REFUSED_STATES = {
    State.LINE_TOO_LONG: "uri-too-long",
    State.HEAD_TOO_LARGE: "headers-too-large",
    State.MALFORMED: "malformed-request",
}


class ClientConnection(TConn):
    """A connection with what has been received of its next request."""

    def __init__(self, worker: ConnectionWorker, client: ClientSocket, address: Any, server: Any) -> None:
        super().__init__(worker.cfg, client, address, server)
        self.init()
        self.buffer = RequestBuffer(worker.memory)
        self.parser.unreader = RequestUnreader(client, self.buffer)
        self.queued_at = 0.0
        self.is_streamed = False

    def start_request(self) -> None:
        """Prepare the socket and the buffer for the thread that handles the request."""
        self.is_streamed = self.buffer.state is State.STREAMED
        self.sock.path = self.buffer.path
        self.sock.start_request()
        self.buffer.start_reading()

    def finish_request(self) -> None:
        """Start the next request with what the thread has not read."""
        self.buffer.finish_reading(self.parser.unreader.take_buffered())


class ConnectionWorker(ThreadWorker):
    """A worker whose main loop receives requests, and whose threads handle them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        half_threads = max(1, self.cfg.threads // 2)
        self.waits = ClientWaits(half_threads)
        self.memory = Memory()
        self.requests: RequestQueue[ClientConnection] = RequestQueue(
            max_streamed=half_threads, max_wait_seconds=settings.MAX_WAIT
        )
        self.watched: dict[ClientConnection, float] = {}  # connections in the poller, with their deadlines
        self.closing: set[ClientConnection] = set()
        self.accepts_after = self.checks_after = self.warns_after = 0.0
        self.refused_count = 0

    # --- the main loop ----------------------------------------------------------------------------------------------
    def set_accept_enabled(self, enabled: bool) -> None:
        if not enabled or monotonic() >= self.accepts_after:
            super().set_accept_enabled(enabled)

    def accept(self, listener: socket.socket) -> None:
        """Accept a connection and receive its first request."""
        try:
            accepted, address = listener.accept()
        except OSError as error:
            if error.errno in EXHAUSTED:
                self._pause_accepting(error)
            elif error.errno not in (errno.EAGAIN, errno.ECONNABORTED, errno.EPROTO):
                raise
            return
        self.nr_conns += 1
        if self.nr_conns >= self.worker_connections:
            self._close_oldest()
        conn = ClientConnection(self, ClientSocket(accepted, self.waits), address, listener.getsockname())
        self._receive(conn)

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
            self._expire(conn)
        for conn in self.requests.remove_late():
            self._refuse_late(conn)
        self.waits.end_surplus()

    def murder_keepalived(self, force: bool = False) -> None:
        """Close all connections that wait for a client, at the end."""
        if force:
            for conn in list(self.watched):
                self._close(conn)

    def _cap_keepalive(self, deadline: float) -> None:
        for conn, current in self.watched.items():
            if conn.buffer.state is State.EMPTY:
                self.watched[conn] = min(current, deadline)

    def _watch(self, conn: ClientConnection, event: int, callback: Callable[..., None], deadline: float) -> None:
        self.watched[conn] = deadline
        self.poller.register(conn.sock, event, partial(self._call, callback, conn))

    def _call(self, callback: Callable[[ClientConnection], None], conn: ClientConnection, _client: object) -> None:
        self._unwatch(conn)
        callback(conn)

    def _unwatch(self, conn: ClientConnection) -> None:
        del self.watched[conn]
        self.poller.unregister(conn.sock)

    def _close(self, conn: ClientConnection) -> None:
        if conn in self.watched:
            self._unwatch(conn)
        self.closing.discard(conn)
        conn.buffer.clear()
        self.nr_conns -= 1
        conn.close()

    # --- receive requests -------------------------------------------------------------------------------------------
    def _receive(self, conn: ClientConnection) -> None:
        """Receive what has arrived, and decide what to do with it."""
        while True:
            try:
                state = conn.buffer.receive(conn.sock)
            except OSError:
                state = State.CLOSED
            if state is State.CLOSED:
                self._close(conn)
            elif state in REFUSED_STATES:
                self._send_error(conn, REFUSED_STATES[state])
            elif state in (State.EMPTY, State.INCOMPLETE):
                self._watch(conn, selectors.EVENT_READ, self._receive, self._get_deadline(conn))
            elif state is State.COMPLETE and conn.buffer.path == HEALTH_PATH and conn.buffer.method in (b"GET", b"HEAD"):
                if self._send_health(conn):
                    continue
            else:
                self.enqueue_req(conn)
            return

    def _get_deadline(self, conn: ClientConnection) -> float:
        if conn.buffer.state is State.INCOMPLETE:
            return conn.buffer.deadline
        return monotonic() + (self.cfg.keepalive if self.alive else CLOSE_SECONDS)

    def wait_for_next_request(self, conn: ClientConnection) -> bool:
        """Return whether the client sends its next request at once. Threads call this after a request.

        Otherwise, the main loop continues with what has arrived.
        """
        conn.finish_request()
        if conn.sock.output:
            return False
        if conn.buffer.state is State.EMPTY:
            poll = select.poll()
            poll.register(conn.sock, select.POLLIN)
            if not poll.poll(NEXT_REQUEST_MILLISECONDS):
                return False
        if conn.buffer.receive(conn.sock) is not State.COMPLETE:
            return False
        conn.start_request()
        return True

    # --- handle requests --------------------------------------------------------------------------------------------
    def enqueue_req(self, conn: ClientConnection) -> None:
        """Let a thread handle the request."""
        conn.start_request()
        self.requests.put(conn)
        self._start_next()

    def _start_next(self) -> None:
        started: list[ClientConnection] = []
        future = self.tpool.submit(self._handle_next, started)
        future.add_done_callback(lambda done: started and self.method_queue.defer(self.finish_request, started[0], done))

    def _handle_next(self, started: list[ClientConnection]) -> object:
        """Handle the request whose turn it is now. It may have been refused meanwhile."""
        conn = self.requests.take()
        if conn is None:
            return False
        started.append(conn)
        conn.sock.start_request()
        begin = monotonic()
        try:
            return self.handle(conn)
        finally:
            if self.requests.finish(conn, monotonic() - begin):
                self.method_queue.defer(self._start_next)

    def finish_request(self, conn: ClientConnection, future: Future[object]) -> None:
        """Send the rest of the response, and then receive the next request or close the connection."""
        is_kept = bool(not future.cancelled() and not future.exception() and future.result())
        try:
            conn.finish_request()
            self._send_output(conn, is_kept)
        except OSError:
            self._close(conn)

    def _send_output(self, conn: ClientConnection, is_kept: bool) -> None:
        try:
            is_sent = conn.sock.flush_output()
        except OSError:
            self._close(conn)
            return
        if not is_sent:
            self._watch(conn, selectors.EVENT_WRITE, partial(self._send_output, is_kept=is_kept), conn.sock.deadline)
        elif is_kept:
            self._receive(conn)
        else:
            self._start_closing(conn)

    def _start_closing(self, conn: ClientConnection) -> None:
        """Wait until the client has closed the connection, or else the last response could be lost (RFC 9112, 9.6)."""
        try:
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._close(conn)
            return
        self.closing.add(conn)
        conn.timeout = monotonic() + CLOSE_SECONDS
        self._watch(conn, selectors.EVENT_READ, self._discard, conn.timeout)

    def _discard(self, conn: ClientConnection) -> None:
        try:
            is_open = conn.sock.receive_now(2**16) != b""
        except OSError:
            is_open = False
        if is_open and monotonic() < conn.timeout:
            self._watch(conn, selectors.EVENT_READ, self._discard, conn.timeout)
        else:
            self._close(conn)

    # --- responses of the main loop ---------------------------------------------------------------------------------
    def _send_health(self, conn: ClientConnection) -> bool:
        """Respond to `/healthz`. Return whether the connection can have another request at once."""
        closes = conn.buffer.closes_connection or not self.alive
        head = HEALTH_HEAD % (len(HEALTH_BODY), b"close" if closes else b"keep-alive")
        return self._respond(conn, head + (b"" if conn.buffer.method == b"HEAD" else HEALTH_BODY), closes=closes)

    def _send_error(self, conn: ClientConnection, code: str) -> None:
        self._respond(conn, server_errors.build_response(code, path=conn.buffer.path), closes=True)

    def _respond(self, conn: ClientConnection, response: bytes, *, closes: bool) -> bool:
        conn.sock.start_request()
        try:
            conn.sock.sendall(response)
        except OSError:
            self._close(conn)
            return False
        if closes:
            self._send_output(conn, is_kept=False)
            return False
        conn.buffer.skip_request()
        if conn.sock.output:
            self._send_output(conn, is_kept=True)
            return False
        return True

    def _refuse_late(self, conn: ClientConnection) -> None:
        """Refuse a request that has waited for a thread for too long."""
        self._count_refused()
        closes = conn.is_streamed or conn.buffer.closes_connection or not self.alive
        response = server_errors.build_response("overloaded", path=conn.buffer.path, closes_connection=closes)
        if self._respond(conn, response, closes=closes):
            self._receive(conn)

    def _count_refused(self) -> None:
        self.refused_count += 1
        if monotonic() >= self.warns_after:
            self.log.warning("overloaded: refused %s requests since the last such message", self.refused_count)
            self.refused_count, self.warns_after = 0, monotonic() + 10

    def handle_error(self, req: Any, client: ClientSocket, addr: Any, exc: Exception) -> None:
        """Send the response to a request that the parser rejects. The connection is closed afterwards."""
        code = server_errors.get_code(exc)
        if code == "internal-error":
            self.log.error("Error handling request %s", client.path, exc_info=exc)
        else:
            self.log.info("%s from %s: %s", code, addr and addr[0], str(exc)[:200])
        try:
            client.sendall(server_errors.build_response(code, path=client.path))
        except OSError:
            self.log.debug("Failed to send an error message.")

    # --- limits -----------------------------------------------------------------------------------------------------
    def _expire(self, conn: ClientConnection) -> None:
        """Close a connection whose client is too slow. Say so if it has sent a part of a request."""
        self._unwatch(conn)
        if conn.buffer.state is State.INCOMPLETE and conn not in self.closing and not conn.sock.output:
            self._send_error(conn, "request-timeout")
        else:
            self._close(conn)

    def _pause_accepting(self, error: OSError) -> None:
        """Wait before the next connection is accepted, because there are too many open files. Close one that is idle."""
        self.log.warning("cannot accept connections: %s", error)
        self._close_oldest()
        self.accepts_after = monotonic() + RETRY_ACCEPT_SECONDS
        self.set_accept_enabled(False)

    def _close_oldest(self) -> None:
        """Close the connection that has waited for its client for longest, preferably one that is closing or idle."""
        candidates = [conn for conn in self.watched if conn in self.closing or conn.buffer.state is State.EMPTY]
        if conn := next(iter(candidates or self.watched), None):
            self._close(conn)
