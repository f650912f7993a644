"""A webhook receiver on a free port of this machine."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver(ThreadingHTTPServer):
    """Records the JSON bodies of requests, and responds with `status`. It does not respond while `silent` is set."""

    daemon_threads = True

    def __init__(self, port=0):
        super().__init__(("127.0.0.1", port), Handler)
        self.status, self.bodies, self.paths, self.silent = 200, [], [], threading.Event()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/hook?key=secret"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.paths.append(self.path)
        self.server.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        if self.server.silent.is_set():
            self.drip()
            return
        self.send_response(self.server.status)
        self.send_header("Location", "/elsewhere")
        self.end_headers()

    def drip(self):
        """Send a byte of the response at a time, so that no packet is late."""
        for byte in b"HTTP/1.1 200 OK" * 20:
            try:
                self.wfile.write(bytes([byte]))
            except OSError:
                return
            threading.Event().wait(0.05)

    def log_message(self, *args):
        pass


@contextmanager
def run_receiver(port=0):
    """Yield a receiver that runs in a thread."""
    with Receiver(port) as receiver:
        thread = threading.Thread(target=receiver.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield receiver
        finally:
            receiver.shutdown()
            thread.join()
