"""Threads that run background tasks."""

from __future__ import annotations

import atexit
import logging
import threading
from collections.abc import Callable
from time import monotonic

from core.frame_space import call_with_frame_space

logger = logging.getLogger(__name__)

MAX_WAITING_TASKS = 100_000
EXIT_SECONDS = 2.0  # that a process waits for running tasks at its normal exit


class Executor:
    """Run tasks in a few threads, in the order in which they arrive. The first task starts the threads.

    A task that is waiting already is not added again. The threads do not keep a process running: tasks that have not run at
    its exit are lost.

    Args:
        handler: is called with the name of the task and the ID of the row. Its errors are logged.
    """

    def __init__(self, handler: Callable[[str, str], object], *, thread_count: int) -> None:
        self._handler, self._thread_count = handler, thread_count
        self._waiting: dict[tuple[str, str], None] = {}  # in order, without duplicates
        self._running_count = self._started_count = 0
        self._is_stopped = False
        self._changed = threading.Condition()
        atexit.register(self.stop, EXIT_SECONDS)

    def submit(self, name: str, row_id: str) -> bool:
        """Add a task. Return False if too many tasks are waiting, or if the executor has stopped."""
        with self._changed:
            if self._is_stopped or len(self._waiting) >= MAX_WAITING_TASKS:
                return False
            self._waiting[name, row_id] = None
            if self._started_count < self._thread_count:
                name = f"background-{self._started_count + 1}"
                threading.Thread(target=call_with_frame_space, args=(self._run_tasks,), name=name, daemon=True).start()
                self._started_count += 1  # only now: if the system has no thread left, the next task tries again
            self._changed.notify_all()  # callers of `wait_until_idle` wait for it too
            return True

    def wait_until_idle(self, seconds: float) -> bool:
        """Wait until no task is waiting or running. Return whether that happened in time."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting and not self._running_count, seconds)

    def stop(self, seconds: float) -> None:
        """Drop the tasks that wait, and give those that are running some time to finish."""
        deadline = monotonic() + seconds
        with self._changed:
            self._is_stopped = True
            self._waiting.clear()
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._running_count, max(0, deadline - monotonic()))

    def _run_tasks(self) -> None:
        while task := self._take_task():
            name, row_id = task
            try:
                self._handler(name, row_id)
            except Exception:  # nobody else waits for the result
                logger.exception("background task failed", extra={"task": name, "row": row_id})
            finally:
                with self._changed:
                    self._running_count -= 1
                    self._changed.notify_all()

    def _take_task(self) -> tuple[str, str] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_stopped)
            if self._is_stopped:
                return None
            task = next(iter(self._waiting))
            del self._waiting[task]
            self._running_count += 1
            return task
