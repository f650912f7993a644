"""gunicorn's thread worker, changed so that connections spread evenly and no client holds up others.

The workers of gunicorn wait on one listening socket, and a worker that is awake accepts every connection: in a benchmark,
one of two workers often got all 16 connections, and the other one was idle. Here, each worker publishes its number of
connections and leaves a new connection to the worker with the fewest. Other ways were rejected:

- `reuse_port` (one listening socket for each worker) spreads 16 connections by chance, between 8 + 8 and 5 + 11. The kernel
  resets the connections that wait at a worker when it exits.
- With a limit on the connections of a worker, further clients wait for seconds.
- Granian spreads evenly and used about 0.2 ms less CPU per request. But the upload timeout of mlsite needs gunicorn's
  socket, and the loading of models, the metrics, and the watchdog need gunicorn's hooks. Replacing them was not tried.
"""

from __future__ import annotations

import mmap
import socket
from time import monotonic
from typing import Any

from gunicorn.glogging import Logger
from gunicorn.http.message import Request

from mlsite.connection_loop import ClientConnection
from mlsite.connection_worker import ConnectionWorker

PAUSE_SECONDS = 0.001  # before a worker checks whether another one has accepted a connection
MAX_PAUSES = 200  # in a row. Then a worker accepts the connection itself, because the other one may hang
REBALANCE_SECONDS = 0.05  # between two connections that a worker closes because it has too many

SLOT_COUNT = 256  # workers with a slot of their own. If there are more, some share a slot and are less balanced
NOT_ACCEPTING = 2**31 - 1  # a count that is higher than all others
connection_counts = memoryview(mmap.mmap(-1, SLOT_COUNT * 4)).cast("i")  # the forked workers share this memory
for slot in range(SLOT_COUNT):
    connection_counts[slot] = NOT_ACCEPTING


class BalancedThreadWorker(ConnectionWorker):
    """A worker with about as many connections as each of the others.

    Attributes:
        is_warm: whether the models are loaded. Until then, all connections go to workers that are warm, if there are any.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.is_warm = False
        self.slot = self.age % SLOT_COUNT
        self.is_pausing = self.has_seen_connection = False
        self.pause_count = 0  # for the connections that wait now
        self.next_rebalance = 0.0

    def publish_count(self, count: int) -> int:
        """Tell the other workers the number of connections. Return the lowest number of all workers."""
        connection_counts[self.slot] = count
        return min(connection_counts)

    @property
    def count(self) -> int:
        return self.nr_conns if self.is_warm and self.alive else NOT_ACCEPTING

    def accept(self, listener: socket.socket) -> None:
        """Accept a connection, unless another worker has fewer and is not late."""
        self.has_seen_connection = True
        count = self.count
        if self.pause_count < MAX_PAUSES and count > self.publish_count(count):
            self.is_pausing = True
            return
        super().accept(listener)
        self.publish_count(self.count)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Wait for events. During a pause, ignore the listening socket, or else the wait would end immediately."""
        self.publish_count(self.count)
        if self.is_pausing:
            self.is_pausing = False
            self.pause_count += 1
            self.set_accept_enabled(False)  # `run` enables it again after this method
            super().wait_for_and_dispatch_events(min(timeout, PAUSE_SECONDS))
            return
        self.has_seen_connection = False
        super().wait_for_and_dispatch_events(timeout)
        if not self.has_seen_connection:
            self.pause_count = 0

    def handle(self, conn: ClientConnection) -> object:
        """Handle a request, and then those that the client sends immediately afterwards.

        If there are enough threads, a connection stays in its thread for a moment. Passing it to the main thread and back
        takes 0.05 ms of CPU per request and makes it wait for the interpreter lock twice.
        """
        result = super().handle(conn)
        while result is True and self.alive and self.nr_conns <= self.cfg.threads and self.wait_for_next_request(conn):
            result = super().handle(conn)
        return result

    def handle_request(self, req: Request, conn: ClientConnection) -> bool:
        """Handle a request. Close the connection afterwards if this worker has too many.

        Otherwise a worker that replaces another one would stay idle while clients and proxies keep their connections open.
        """
        if monotonic() >= self.next_rebalance and self.nr_conns > 2 + 1.25 * min(connection_counts):
            self.next_rebalance = monotonic() + REBALANCE_SECONDS
            req.must_close = True
        return super().handle_request(req, conn)


class ErrorLogger(Logger):
    """Write no access log, because `RequestLogMiddleware` logs requests.

    gunicorn would build a message that no handler writes: 0.05 ms of CPU per request.
    """

    def access(self, *args: object) -> None:
        pass


def forget_connections(worker: BalancedThreadWorker) -> None:
    """Stop leaving connections to a worker that has exited."""
    connection_counts[worker.slot] = NOT_ACCEPTING
