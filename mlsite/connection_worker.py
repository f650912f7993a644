"""gunicorn's thread worker, changed so that clients cannot occupy all threads.

The main loop receives requests and sends what slow clients do not read at once. A thread gets a request when it is
complete. The main loop also responds to `/healthz`, so that this does not depend on free threads, and refuses requests that
have waited too long. It does not support TLS and HTTP/2, which the proxy terminates.
"""

from __future__ import annotations

import re
import select
import selectors
from concurrent.futures import Future
from functools import partial
from time import monotonic, thread_time
from typing import Any

from django.conf import settings
from gunicorn.http.message import Request

from mlsite import __version__, server_errors
from mlsite.client_socket import ClientSocket
from mlsite.connection_loop import CLOSE_SECONDS, ClientConnection, ConnectionLoop
from mlsite.logging_config import LogInterval
from mlsite.request_buffer import RECEIVE_BYTES, RequestBuffer, State
from mlsite.request_queue import RequestQueue

NEXT_REQUEST_MILLISECONDS = 10  # that a thread waits for the next request of its client
# A request that the parser would accept. All others go to the parser, which responds with the error.
HEALTH_REQUEST = re.compile(
    rb"(?:GET|HEAD) /healthz(?:\?[!-~]*)? HTTP/1\.[01]\r\n(?:[!-9;-~]{1,100}:[ -~\t]{0,1000}\r\n){0,100}\r\n"
)
HEALTH_BODY = f"ok\nmlsite {__version__}\n".encode()
MAX_HEALTH_RESPONSES = 10  # to one client before the main loop turns to the next
HEALTH_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nCache-Control: no-store\r\n"
    b"X-Content-Type-Options: nosniff\r\nContent-Length: %d\r\nConnection: %s\r\n\r\n"
)
MAX_DISCARDED_BYTES = 2**16  # of a body that gunicorn still receives after the response
REFUSED_LOG_SECONDS = 10  # between messages about refused requests
REFUSED_STATES = {
    State.LINE_TOO_LONG: "uri-too-long",
    State.HEAD_TOO_LARGE: "headers-too-large",
    State.MALFORMED: "malformed-request",
}


class ConnectionWorker(ConnectionLoop):
    """A worker whose main loop receives requests, and whose threads handle them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.requests: RequestQueue[ClientConnection] = RequestQueue(
            threads=self.cfg.threads, max_wait_seconds=settings.MAX_WAIT
        )
        self.refused_count, self.refused_log = 0, LogInterval(REFUSED_LOG_SECONDS)

    def check_requests(self) -> None:
        """Refuse the requests that have waited for a thread for too long."""
        for conn in self.requests.remove_late():
            self._call(self._refuse_late, conn)
        if len(self.requests):
            self._start_next()  # in an overload, a thread can leave a request that waits

    def expire_request(self, conn: ClientConnection) -> None:
        self._send_error(conn, "request-timeout")

    # --- receive requests -------------------------------------------------------------------------------------------
    def receive(self, conn: ClientConnection) -> None:
        """Receive what has arrived, and decide what to do with it."""
        for _ in range(MAX_HEALTH_RESPONSES):
            try:
                state = conn.buffer.receive(conn.sock)
            except OSError:
                state = State.CLOSED
            if state is State.CLOSED:
                self.close(conn)
            elif state in REFUSED_STATES:
                self._send_error(conn, REFUSED_STATES[state])
            elif state in (State.EMPTY, State.INCOMPLETE):
                self.watch(conn, selectors.EVENT_READ, self.receive, self._get_deadline(conn))
            elif self._is_health_check(conn.buffer):
                if self._send_health(conn):
                    continue
            else:
                self.enqueue_req(conn)
            return
        self.method_queue.defer(self._call, self.receive, conn)

    @staticmethod
    def _is_health_check(buffer: RequestBuffer) -> bool:
        is_simple = buffer.state is State.COMPLETE and not buffer.body_bytes and buffer.is_length_certain
        has_one_host = is_simple and buffer.head.lower().count(b"\r\nhost:") <= 1
        return has_one_host and HEALTH_REQUEST.fullmatch(buffer.head) is not None

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
        conn.is_streamed = conn.buffer.state is State.STREAMED
        self.requests.put(conn)
        self._start_next()

    def _start_next(self) -> None:
        started: list[ClientConnection] = []
        future = self.tpool.submit(self._handle_next, started)
        future.add_done_callback(
            lambda done: started and self.method_queue.defer(self._call, partial(self.finish_request, future=done), *started)
        )

    def _handle_next(self, started: list[ClientConnection]) -> object:
        """Handle the request whose turn it is now. It may have been refused meanwhile."""
        conn = self.requests.take()
        if conn is None:
            return False
        started.append(conn)
        conn.start_request()
        begin, cpu_begin = monotonic(), thread_time()
        try:
            return self.handle(conn)
        finally:
            if self.requests.finish(conn, seconds=monotonic() - begin, cpu_seconds=thread_time() - cpu_begin):
                self._start_next()

    def handle_request(self, req: Request, conn: ClientConnection) -> bool:
        """Handle a request. A response that leaves most of the body unread keeps the connection, or announces its end.

        gunicorn closes a connection with more unread bytes. The client would learn it from its next request, which fails.
        """
        is_streamed = conn.buffer.state is State.STREAMED
        if is_streamed:
            closes = req.should_close  # gunicorn calls this when it sends the headers of the response
            req.should_close = lambda: closes() or has_large_rest(req)
        is_kept: bool = super().handle_request(req, conn)
        while is_kept and not is_streamed and req.body.read(RECEIVE_BYTES):
            pass  # it is in memory
        return is_kept

    def finish_request(self, conn: ClientConnection, future: Future[object]) -> None:
        """Send the rest of the response, and then receive the next request or close the connection."""
        is_kept = bool(not future.cancelled() and not future.exception() and future.result())
        conn.finish_request()
        self.send_output(conn, is_kept=is_kept)

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
            conn.sock.send_small(response)
        except OSError:
            self.close(conn)
            return False
        if closes:
            self.send_output(conn, is_kept=False)
            return False
        conn.buffer.skip_request()
        if conn.sock.output:
            self.send_output(conn, is_kept=True)
            return False
        return True

    def _refuse_late(self, conn: ClientConnection) -> None:
        """Refuse a request that has waited for a thread for too long."""
        self._count_refused()
        closes = conn.is_streamed or conn.buffer.closes_connection or not self.alive
        response = server_errors.build_response("overloaded", path=conn.buffer.path, closes_connection=closes)
        if self._respond(conn, response, closes=closes):
            self.receive(conn)

    def _count_refused(self) -> None:
        self.refused_count += 1
        if self.refused_log.is_due():
            self.log.warning("overloaded: refused %s requests since the last such message", self.refused_count)
            self.refused_count = 0

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


def has_large_rest(req: Request) -> bool:
    """Return whether more of the body is unread than is received after the response. The end of chunks is not known."""
    reader = req.body.reader
    if hasattr(reader, "length"):
        return bool(reader.length >= MAX_DISCARDED_BYTES)
    return bool(getattr(reader, "parser", None))
