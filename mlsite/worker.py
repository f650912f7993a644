"""gunicorn's thread worker, changed so that connections spread evenly, no client holds up others, and models are warm.

The workers of gunicorn wait on one listening socket, and a worker that is awake accepts every connection: in a benchmark,
one of two workers often got all 16 connections, and the other one was idle. Here, each worker publishes its number of
connections and leaves a new connection to the worker with the fewest. Other ways were rejected:

- `reuse_port` (one listening socket for each worker) spreads 16 connections by chance, between 8 + 8 and 5 + 11. The kernel
  resets the connections that wait at a worker when it exits.
- With a limit on the connections of a worker, further clients wait for seconds.
- Granian spreads evenly and used about 0.2 ms less CPU per request. But the upload timeout of mlsite needs gunicorn's
  socket, and the loading of models, the metrics, and the watchdog need gunicorn's hooks. Replacing them was not tried.

A worker accepts connections when its models are loaded. If no worker is warm, as after the first start, it accepts them
earlier, so that `/healthz` and `/readyz` respond. Other requests wait until its models are loaded, and occupy no thread.

This class overrides methods of gunicorn 27. mlsite/tests/test_arbiter.py fails if gunicorn changes them.
"""

from __future__ import annotations

import mmap
import os
import socket
from time import monotonic
from typing import Any

from gunicorn.glogging import Logger
from gunicorn.http.message import Request

from mlsite.connection_loop import ClientConnection
from mlsite.connection_worker import ConnectionWorker

PAUSE_SECONDS = 0.001  # before a worker checks whether another one has accepted a connection
MAX_PAUSE_SECONDS = 0.3  # in a row. Then a worker accepts the connection itself, because the other one may hang or be dead
MAX_WARM_UP_SECONDS = 120  # after which a worker accepts connections without its models
HEALTH_PATHS = ("/healthz", "/readyz", "/metrics", "/v2/health/live", "/v2/health/ready")  # need no model
REBALANCE_SECONDS = 0.05  # between two connections that a worker closes because it has too many

SLOT_COUNT = 256  # workers with a slot of their own. If there are more, some share a slot and are less balanced
COUNT_BYTES = 4
NOT_ACCEPTING = 2**31 - 1  # a count that is higher than all others
COUNTS_VARIABLE = "MLSITE_CONNECTION_COUNTS"  # the descriptor of the counts, after a reload


def _open_counts() -> tuple[int, memoryview]:
    """Return the descriptor and the content of the memory that the forked workers share. See mlsite/handover.py.

    The descriptor is -1 on systems other than Linux, where a program cannot pass the memory to the next one.
    """
    inherited = os.environ.pop(COUNTS_VARIABLE, "")
    descriptor = int(inherited) if inherited else os.memfd_create("connections") if hasattr(os, "memfd_create") else -1
    if descriptor >= 0:
        os.ftruncate(descriptor, SLOT_COUNT * COUNT_BYTES)
        os.set_inheritable(descriptor, False)
    counts = memoryview(mmap.mmap(descriptor, SLOT_COUNT * COUNT_BYTES)).cast("i")
    for slot in () if inherited else range(SLOT_COUNT):
        counts[slot] = NOT_ACCEPTING
    return descriptor, counts


counts_descriptor, connection_counts = _open_counts()


class BalancedThreadWorker(ConnectionWorker):
    """A worker with about as many connections as each of the others.

    Attributes:
        is_warm: whether the models are loaded. Until then, all connections go to workers that are warm, if there are any.
        has_accepted, stops_since: what the master knows about this worker. See mlsite/arbiter.py.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.is_warm = self.has_accepted = False
        self.stops_since = 0.0
        self.warm_up_deadline = monotonic() + MAX_WARM_UP_SECONDS
        self.cold_requests: list[ClientConnection] = []  # that wait for the models
        self.slot = self.age % SLOT_COUNT
        self.is_pausing = self.has_seen_connection = False
        self.pauses_since: float | None = None  # for the connections that wait now
        self.next_rebalance = 0.0

    def publish_count(self, count: int) -> int:
        """Publish the number of connections to the other workers. Return the lowest number of all workers."""
        connection_counts[self.slot] = count
        return min(connection_counts)

    @property
    def count(self) -> int:
        return self.nr_conns if self.is_warm and self.alive else NOT_ACCEPTING

    def set_warm(self) -> None:
        """Accept connections from now on. Any thread can call this."""
        if not self.is_warm:
            self.is_warm = True
            self.method_queue.defer(self._start_cold_requests)

    def set_accept_enabled(self, enabled: bool) -> None:
        """Accept connections if the models are loaded, or if no other worker can serve them either."""
        if not self.is_warm and monotonic() > self.warm_up_deadline:
            self.log.error("accepting connections, although the models are not loaded after %s s", MAX_WARM_UP_SECONDS)
            self.set_warm()
        if enabled and not self.is_warm:
            enabled = min(connection_counts) == NOT_ACCEPTING
        super().set_accept_enabled(enabled)

    def enqueue_req(self, conn: ClientConnection) -> None:
        """Let a thread handle the request, when the models are loaded if it needs them."""
        if self.is_warm or not self.alive or conn.buffer.path in HEALTH_PATHS:
            super().enqueue_req(conn)
        else:
            self.cold_requests.append(conn)

    def _start_cold_requests(self) -> None:
        requests, self.cold_requests = self.cold_requests, []
        for conn in requests:
            self._call(super().enqueue_req, conn)

    def _cap_keepalive(self, deadline: float) -> None:
        """Prepare the end. gunicorn calls this once, when it no longer accepts connections."""
        self._start_cold_requests()
        super()._cap_keepalive(deadline)

    def accept(self, listener: socket.socket) -> None:
        """Accept a connection, unless another worker has fewer and is not late."""
        self.has_seen_connection = True
        count = self.count
        if count > self.publish_count(count) and not (self.is_warm and self._has_paused_enough()):
            self.is_pausing = True
            return
        super().accept(listener)
        self.publish_count(self.count)

    def _has_paused_enough(self) -> bool:
        return self.pauses_since is not None and monotonic() - self.pauses_since > MAX_PAUSE_SECONDS

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Wait for events. During a pause, ignore the listening socket, or else the wait would end immediately."""
        self.publish_count(self.count)
        if not self.is_warm:
            self.set_accept_enabled(self.alive)
        if self.is_pausing:
            self.is_pausing = False
            self.pauses_since = self.pauses_since or monotonic()
            self.set_accept_enabled(False)  # `run` enables it again after this method
            super().wait_for_and_dispatch_events(min(timeout, PAUSE_SECONDS))
            return
        self.has_seen_connection = False
        super().wait_for_and_dispatch_events(timeout)
        if not self.has_seen_connection:
            self.pauses_since = None

    def handle(self, conn: ClientConnection) -> object:
        """Handle a request, and then those that the client sends immediately afterwards.

        If there are enough threads, a connection stays in its thread for a moment. Passing it to the main thread and back
        takes 0.05 ms of CPU per request and makes it wait for the interpreter lock twice.
        """
        result = super().handle(conn)
        while result is True and self._can_stay() and self.wait_for_next_request(conn):
            result = super().handle(conn)
        return result

    def _can_stay(self) -> bool:
        return self.is_warm and self.alive and self.nr_conns <= self.cfg.threads

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


def is_accepting(worker: BalancedThreadWorker) -> bool:
    """Return whether a worker accepts connections. The master calls this."""
    return connection_counts[worker.slot] != NOT_ACCEPTING


def count_warm_workers() -> int:
    """Return how many workers of this server have loaded their models."""
    return sum(count != NOT_ACCEPTING for count in connection_counts)


def forget_connections(worker: BalancedThreadWorker) -> None:
    """Stop leaving connections to a worker that has exited."""
    connection_counts[worker.slot] = NOT_ACCEPTING
