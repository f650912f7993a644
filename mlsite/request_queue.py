"""The requests of a worker that wait for a thread.

Normally, the request that has waited longest comes first. If all requests wait too long for half a second, the worker is
overloaded: then the newest comes first, and those that have waited too long are refused. Otherwise all clients would wait so
long that they give up, and the worker would do work that nobody waits for. If the threads compete for the interpreter lock,
fewer of them run then, because more would only make each other slower.
(CoDel, RFC 8289; adaptive LIFO: Maurer, "Fail at Scale", ACM Queue 13(8), 2015.)

A request is not refused at once but after half a second, so that a client that ignores Retry-After costs little.
"""

from __future__ import annotations

from collections import deque
from threading import Lock
from time import monotonic
from typing import Generic, Protocol, TypeVar

MIN_LATE_SECONDS = 0.025  # a wait that is never too long
LATE_DURATIONS = 3  # a wait of this multiple of the usual duration of a request is too long
OVERLOADED_AFTER_SECONDS = 0.5
OVERLOADED_WAIT_SECONDS = 0.5  # after which an overloaded worker refuses a request
CALM_REQUESTS = 2  # per thread, waiting ones included
CALM_SECONDS = 3.0  # with fewer requests, after which an overload ends. Clients retry earlier (Retry-After)
MAX_OVERLOADED_SECONDS = 60.0  # after which an overload ends in any case. It starts anew if requests wait too long
BUSY_SHARE = 0.6  # of the time of one core. If the threads use more, they compete for the interpreter lock
MEASURE_SECONDS = 0.5  # over which this is measured
DURATION_WEIGHT = 0.05  # of a new duration in the moving average


class Waiting(Protocol):
    """A request that waits.

    Attributes:
        is_streamed: its body has not arrived, so that its thread may have to wait for the client.
    """

    queued_at: float

    @property
    def is_streamed(self) -> bool: ...


Request = TypeVar("Request", bound=Waiting)


class RequestQueue(Generic[Request]):
    """Requests that wait for a thread. All methods are thread-safe.

    Args:
        threads: that handle requests. Half of them may handle requests whose bodies have not arrived.
        max_wait_seconds: after which a request is refused, even if the worker is not overloaded.
    """

    def __init__(self, *, threads: int, max_wait_seconds: float) -> None:
        self.threads = threads
        self.max_streamed = max(1, threads // 2)
        self.max_wait_seconds = max_wait_seconds
        self.ready: deque[Request] = deque()
        self.streamed: deque[Request] = deque()
        self.running = self.streamed_threads = 0
        self.max_running = threads  # in an overload
        self.is_overloaded = False
        self.overloaded_at = self.busy_at = 0.0
        self.late_since: float | None = None
        self.usual_seconds = 0.0
        self.cpu_seconds, self.measured_at = 0.0, monotonic()
        self.lock = Lock()

    def __len__(self) -> int:
        return len(self.ready) + len(self.streamed)

    @property
    def late_seconds(self) -> float:
        """Return the wait that is too long."""
        return max(MIN_LATE_SECONDS, LATE_DURATIONS * self.usual_seconds)

    def put(self, request: Request) -> None:
        request.queued_at = monotonic()
        with self.lock:
            (self.streamed if request.is_streamed else self.ready).append(request)

    def take(self) -> Request | None:
        """Return the request that a free thread handles now, or None."""
        with self.lock:
            request = None
            if self.ready:
                request = self._take_ready(monotonic())
            elif self.streamed and self.streamed_threads < self.max_streamed:
                self.streamed_threads += 1
                request = self.streamed.popleft()
            self.running += request is not None
            return request

    def _take_ready(self, now: float) -> Request | None:
        self._update_state(now)
        if not self.is_overloaded:
            return self.ready.popleft()
        is_late = now - self.ready[-1].queued_at > max(MIN_LATE_SECONDS, self.usual_seconds)
        if self.running >= self.max_running or (is_late and self.running):
            return None
        return self.ready.pop()

    def finish(self, request: Request, *, seconds: float, cpu_seconds: float) -> bool:
        """Record that a thread has handled a request. Return whether it should take another one."""
        with self.lock:
            self.running -= 1
            self.cpu_seconds += cpu_seconds
            if request.is_streamed:
                self.streamed_threads -= 1
                return bool(self.streamed)
            self.usual_seconds += DURATION_WEIGHT * (seconds - self.usual_seconds)
            return self.is_overloaded

    def remove_late(self) -> list[Request]:
        """Remove and return the requests that have waited too long and must be refused."""
        now = monotonic()
        with self.lock:
            wait_seconds = self.max_wait_seconds
            if self.is_overloaded:
                wait_seconds = min(wait_seconds, max(OVERLOADED_WAIT_SECONDS, 2 * self.late_seconds))
            return [
                *_remove_older(self.ready, now - wait_seconds),
                *_remove_older(self.streamed, now - self.max_wait_seconds),
            ]

    def _update_state(self, now: float) -> None:
        if self.is_overloaded:
            if len(self.ready) + self.running > CALM_REQUESTS * self.threads:
                self.busy_at = now
            is_recent = now - self.overloaded_at < MAX_OVERLOADED_SECONDS
            self.is_overloaded = is_recent and now - self.busy_at < CALM_SECONDS
        elif now - self.ready[0].queued_at < self.late_seconds:
            self.late_since = None
        elif self.late_since is None:
            self.late_since = now
        elif now - self.late_since > OVERLOADED_AFTER_SECONDS:
            self.is_overloaded, self.late_since = True, None
            self.overloaded_at = self.busy_at = now
        if now - self.measured_at > MEASURE_SECONDS:
            share = self.cpu_seconds / (now - self.measured_at)
            self.max_running = max(2, self.threads * 3 // 8) if share > BUSY_SHARE else self.threads
            self.cpu_seconds, self.measured_at = 0.0, now


def _remove_older(requests: deque[Request], time: float) -> list[Request]:
    removed = []
    while requests and requests[0].queued_at < time:
        removed.append(requests.popleft())
    return removed
