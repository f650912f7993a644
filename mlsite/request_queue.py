"""The requests of a worker that wait for a thread.

Normally, the request that has waited longest comes first. If all requests wait too long for a second, the worker is
overloaded: then the newest comes first, and those that have waited longest are refused. Otherwise all clients would wait
so long that they give up, and the worker would do work that nobody waits for.
(CoDel, RFC 8289; adaptive LIFO: Maurer, "Fail at Scale", ACM Queue 13(8), 2015.)
"""

from __future__ import annotations

from collections import deque
from threading import Lock
from time import monotonic
from typing import Generic, Protocol, TypeVar

MIN_LATE_SECONDS = 0.025  # a wait that is never too long
LATE_DURATIONS = 3  # a wait of this multiple of the usual duration of a request is too long
OVERLOADED_AFTER_SECONDS = 1.0
OVERLOADED_WAIT_SECONDS = 0.5  # after which an overloaded worker refuses a request
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
        max_streamed: threads that may handle requests whose bodies have not arrived.
        max_wait_seconds: after which a request is refused, even if the worker is not overloaded.
    """

    def __init__(self, *, max_streamed: int, max_wait_seconds: float) -> None:
        self.max_streamed = max_streamed
        self.max_wait_seconds = max_wait_seconds
        self.ready: deque[Request] = deque()
        self.streamed: deque[Request] = deque()
        self.streamed_threads = 0
        self.is_overloaded = False
        self.late_since: float | None = None
        self.usual_seconds = 0.0
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
            if self.ready:
                self._update_state(monotonic() - self.ready[0].queued_at)
                return self.ready.pop() if self.is_overloaded else self.ready.popleft()
            if self.streamed and self.streamed_threads < self.max_streamed:
                self.streamed_threads += 1
                return self.streamed.popleft()
            return None

    def finish(self, request: Request, seconds: float) -> bool:
        """Record that a thread has handled a request. Return whether a streamed request can start now."""
        with self.lock:
            if not request.is_streamed:
                self.usual_seconds += DURATION_WEIGHT * (seconds - self.usual_seconds)
                return False
            self.streamed_threads -= 1
            return bool(self.streamed)

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

    def _update_state(self, oldest_seconds: float) -> None:
        if oldest_seconds < self.late_seconds:
            self.late_since, self.is_overloaded = None, False
        elif self.late_since is None:
            self.late_since = monotonic()
        elif monotonic() - self.late_since > OVERLOADED_AFTER_SECONDS:
            self.is_overloaded = True


def _remove_older(requests: deque[Request], time: float) -> list[Request]:
    removed = []
    while requests and requests[0].queued_at < time:
        removed.append(requests.popleft())
    return removed
