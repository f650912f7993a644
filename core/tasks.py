"""Background tasks: functions that run outside the request, in a Celery worker or in this process.

The database contains the work that is left, and a queued task is only a hint to look at a row. A task can be lost or run
twice. It must do nothing if its work is done, and a sweep enqueues it again if its work is not done.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cache

from django.conf import settings
from django.db import connections, transaction
from django.urls import set_script_prefix
from django.utils.module_loading import autodiscover_modules, import_string

from core.database_limits import use_job_limits
from core.executor import Executor

Task = Callable[[str], object]

stopping = threading.Event()
"""Set when this process stops. A task with many items checks it after each item, and leaves the rest to the next worker."""

_tasks: dict[str, Task] = {}


def background_task(name: str) -> Callable[[Task], Task]:
    """Register a function as a background task. It takes the ID of a row as a string.

    Call it in the module `tasks` of the app, which all workers import.

    Args:
        name: unique and stable, because messages of the broker contain it.
    """

    def register(function: Task) -> Task:
        _tasks[name] = function
        return function

    return register


def enqueue(name: str, row_id: str) -> None:
    """Run a task in the background after the current transaction commits; at once if no transaction is open.

    This never waits for the broker, and its errors are only logged, because the row is stored then. If the task is lost, the
    sweep enqueues it again.
    """
    transaction.on_commit(lambda: _enqueue(name, row_id), robust=True)


def run_task(name: str, row_id: str) -> None:
    """Run a registered task in this thread, and close its database connections."""
    if name not in _tasks:
        load_tasks()
    set_script_prefix(settings.FORCE_SCRIPT_NAME or "/")  # a thread without a request has none, and `reverse` needs it
    with use_job_limits():
        try:
            _tasks[name](row_id)
        finally:
            connections.close_all()


def load_tasks() -> list[str]:
    """Import the module `tasks` of each app. Return the names of all tasks."""
    autodiscover_modules("tasks")
    return sorted(_tasks)


@cache
def get_executor() -> Executor:
    """Return the executor of this process. It runs tasks, or sends them to the broker."""
    return Executor(import_string(settings.TASK_HANDLER), thread_count=settings.TASK_THREADS)


def stop_tasks(seconds: float) -> None:
    """Stop running tasks after the current item, and wait for them. The sweep enqueues waiting tasks again."""
    stopping.set()
    if get_executor.cache_info().currsize:
        get_executor().stop(seconds)


def _enqueue(name: str, row_id: str) -> None:
    get_executor().submit(name, row_id)
