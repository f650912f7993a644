"""gunicorn configuration whose workers exit at one step of storing a prediction, when a file in VAR_DIR names it.

Usage: gunicorn -c python:mlsite.tests.faults.crash_server
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from mlsite import gunicorn as configuration
from mlsite.gunicorn import *  # noqa: F403

EXIT_STATUS = 9
STEPS = (
    "temporary file opened", "file written", "file synced", "before rename", "file renamed", "folder synced",
    "rows sent", "before COMMIT", "after COMMIT", "before the response",
)  # fmt: skip
REQUEST_FILE = "crash-at"


def exit_at(step: str) -> None:
    """Exit without any cleanup if the file names this step. Only one worker does so, the one that deletes the file."""
    path = Path(os.environ["VAR_DIR"], REQUEST_FILE)
    try:
        if path.read_text() == step:
            path.unlink()
            os._exit(EXIT_STATUS)
    except FileNotFoundError:
        pass


def wrap(module: Any, name: str, *, before: str = "", after: str = "") -> None:
    """Exit before or after a function is called."""
    original: Callable[..., Any] = getattr(module, name)

    @functools.wraps(original)
    def call(*args: Any, **options: Any) -> Any:
        if before:
            exit_at(before)
        result = original(*args, **options)
        if after:
            exit_at(after)
        return result

    setattr(module, name, call)


def post_worker_init(worker: Any) -> None:
    """Add the steps to the functions that store a prediction, and start the worker."""
    from core import storage
    from predictions.services import inserts
    from predictions.services import storage as service

    wrap(storage.DurableFileSystemStorage, "open_temporary_file", after="temporary file opened")
    wrap(storage, "write_all", after="file written")
    wrap(os, "fsync", after="file synced")
    wrap(os, "rename", before="before rename", after="file renamed")
    wrap(storage, "_fsync_folder", after="folder synced")
    wrap(inserts, "_execute_inserts", before="rows sent", after="before COMMIT")
    wrap(service._group, "_write", after="after COMMIT")
    wrap(import_module("predictions.services.predict"), "store_prediction", after="before the response")
    configuration.post_worker_init(worker)
