"""Background tasks: functions that run outside the request, in a Celery worker or in this process.

The database rows that a task works on are the truth, and a queued task is only a hint to look at them. A task can be lost or
run twice: it must do nothing if its work is done, and a sweep enqueues it again if its work is not done.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from django.conf import settings
from django.db import connections, transaction

logger = logging.getLogger(__name__)

Task = Callable[[str], object]

_tasks: dict[str, Task] = {}
_lock = threading.Lock()


def background_task(name: str) -> Callable[[Task], Task]:
    """Register a function as a background task. It takes the ID of a row as a string.

    Args:
        name: unique and stable, because messages of the broker contain it.
    """

    def register(function: Task) -> Task:
        _tasks[name] = function
        return function

    return register


def enqueue(name: str, row_id: str) -> None:
    """Run a task in the background after the current transaction commits; at once if no transaction is open."""
    transaction.on_commit(lambda: _enqueue(name, row_id))


def run_task(name: str, row_id: str) -> None:
    """Run a registered task in this thread, and close its database connections."""
    try:
        _tasks[name](row_id)
    finally:
        connections.close_all()


def _enqueue(name: str, row_id: str) -> None:
    with _lock:
        executor = _get_executor()
    executor.submit(_run_logged, name, row_id)


def _run_logged(name: str, row_id: str) -> None:
    try:
        run_task(name, row_id)
    except Exception:  # nobody reads the future
        logger.exception("background task failed", extra={"task": name, "row": row_id})


@cache
def _get_executor() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(settings.BACKGROUND_THREADS, thread_name_prefix="background")
