"""HTTP servers for tests of webhooks: one that records requests, and one that sends fixed bytes."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Receiver:
    """A running server. `respond` returns the status, the body, and the headers of the response to a request."""

    url: str
    requests: list[Request] = field(default_factory=list)
    respond: Callable[[Request], tuple[int, bytes, dict[str, str]]] = lambda _request: (204, b"", {})


@dataclass(frozen=True)
class Request:
    path: str
    headers: dict[str, str]  # with names in lowercase
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        return json.loads(self.body)


@contextmanager
def run_receiver(*, host: str = "127.0.0.1", port: int = 0, context: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """Run a server in a thread."""
    receiver = Receiver("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            request = Request(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            receiver.requests.append(request)
            status, content, headers = receiver.respond(request)
            self.send_response(status)
            for name, value in {"content-length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: Any) -> None:
            """Print nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *arguments: Any) -> None:
            """Print nothing: clients with an invalid certificate close the connection."""

    server = Server((host, port), Handler)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    receiver.url = f"{'https' if context else 'http'}://{host}:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def run_raw_server(chunks: Callable[[], Iterator[bytes]], *, pause: float = 0.0) -> Iterator[str]:
    """Run a server that sends chunks to each client, with a pause after each. Yield its URL."""
    stopped = threading.Event()

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            for chunk in chunks():
                connection.sendall(chunk)
                if stopped.wait(pause):
                    return
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(2**16):  # otherwise, the unread request would reset the connection
                pass

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                connection.settimeout(5)
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        stopped.set()
        listener.shutdown(socket.SHUT_RDWR)


def wait_until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait until a condition holds.

    Raises:
        AssertionError: it did not hold in time.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "The condition did not hold in time."
        time.sleep(0.01)
