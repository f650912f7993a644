"""Combine the writes of requests that arrive at the same time: one of them writes the rows of all."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db import OperationalError

T = TypeVar("T")

MAX_GROUP_ITEMS = 32
WAIT_SECONDS = 30.0
INTERRUPTED_MESSAGE = "The thread that wrote for this request was interrupted."


@dataclass(frozen=True, slots=True)
class WriteFailure:
    """Why an item was not written.

    Args:
        error: one that is not an `Exception` has interrupted the thread of the leader, which must raise it.
        is_definite: nothing of the item is stored. Otherwise the outcome is unknown, as after a connection lost in COMMIT.
    """

    error: BaseException
    is_definite: bool


class _Entry(Generic[T]):
    """An item and its outcome. The caller waits by acquiring `woken`, which is locked until there is something to do."""

    __slots__ = ("failure", "is_leader", "item", "woken")

    def __init__(self, item: T) -> None:
        self.item = item
        self.failure: WriteFailure | None = None
        self.is_leader = False
        self.woken = threading.Lock()  # costs a tenth of threading.Event
        self.woken.acquire()

    def finish(self, failure: WriteFailure | None) -> None:
        self.failure = failure
        self.woken.release()


class GroupCommit(Generic[T]):
    """Combine the calls of many threads into few calls of `write`.

    The first caller becomes the leader: it writes at once, in its own thread and with its own database connection. Callers
    that arrive meanwhile wait. When the leader has finished, the first of them becomes the next leader and writes the items
    of all that wait. Each caller returns after the COMMIT that contains its item. A leader never waits for other callers.
    """

    def __init__(
        self,
        write: Callable[[Sequence[T]], Sequence[WriteFailure | None]],
        *,
        max_items: int = MAX_GROUP_ITEMS,
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        """Create a group without callers.

        Args:
            write: writes the items and commits; returns None or a failure for each.
            max_items: the largest number of items of one call of `write`.
            wait_seconds: how long a caller waits for its turn and for its leader.
        """
        self._write = write
        self._max_items = max_items
        self._wait_seconds = wait_seconds
        self._lock = threading.Lock()  # protects the next two; nobody holds it while writing or waiting
        self._waiting: deque[_Entry[T]] = deque()
        self._has_leader = False

    def submit(self, item: T) -> WriteFailure | None:
        """Write an item, alone or with those of other threads. Return None after its COMMIT, otherwise the failure."""
        entry = _Entry(item)
        try:
            with self._lock:
                if self._has_leader:
                    self._waiting.append(entry)
                else:
                    self._has_leader = entry.is_leader = True
            if not entry.is_leader:
                self._wait(entry)
            if entry.is_leader:
                self._lead(entry)
        except BaseException as error:  # this thread is interrupted
            if not self._leave(entry):
                raise
            entry.failure = WriteFailure(error, is_definite=True)  # nobody has started to write the item
        finally:  # the others must go on
            self._leave(entry)
        return entry.failure

    def _wait(self, entry: _Entry[T]) -> None:
        """Wait until the entry has its outcome or becomes the leader, or until the time is over."""
        if entry.woken.acquire(timeout=self._wait_seconds):
            return
        with self._lock:
            is_waiting = entry in self._waiting
            if is_waiting:
                self._waiting.remove(entry)
        if not entry.woken.acquire(blocking=False):  # nobody woke it in the meantime
            error = OperationalError("The database did not finish writing in time.")
            entry.failure = WriteFailure(error, is_definite=is_waiting)

    def _lead(self, entry: _Entry[T]) -> None:
        """Write the items of the entry and of the callers that wait now."""
        with self._lock:
            followers = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._max_items - 1))]
        failures: Sequence[WriteFailure | None] = ()
        try:
            failures = self._write([entry.item, *(follower.item for follower in followers)])
            entry.failure = failures[0]
            if entry.failure and not isinstance(entry.failure.error, Exception):
                error = OperationalError(INTERRUPTED_MESSAGE)
                failures = [entry.failure, *[WriteFailure(error, entry.failure.is_definite)] * len(followers)]
        finally:
            if not failures:  # this thread was interrupted, and raises that
                error = OperationalError(INTERRUPTED_MESSAGE)
                failures = [WriteFailure(error, is_definite=False)] * (1 + len(followers))
            self._leave(entry)  # first, so that the next leader can start
            for follower, failure in zip(followers, failures[1:], strict=True):
                follower.finish(failure)

    def _leave(self, entry: _Entry[T]) -> bool:
        """Hand the lead to the first caller that waits; or stop waiting. Return whether the entry has waited."""
        with self._lock:
            if entry.is_leader:
                entry.is_leader = False
                self._has_leader = bool(self._waiting)
                if self._waiting:
                    successor = self._waiting.popleft()
                    successor.is_leader = True
                    successor.woken.release()
            elif entry in self._waiting:
                self._waiting.remove(entry)
                return True
        return False
