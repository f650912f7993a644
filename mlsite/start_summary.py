"""Show the summary of the site when all worker processes of `make run` are ready."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from demo.services.summary import SUMMARY_VARIABLE, build_summary
from mlsite.worker import count_warm_workers

CHECK_SECONDS = 0.2
MAX_WAIT_SECONDS = 120


def show_summary(worker: Any, *, is_complete: bool) -> None:
    """Wait for the other workers, and print the summary. Only the first worker of `make run` does this."""
    if not os.environ.get(SUMMARY_VARIABLE) or worker.age != 1:
        return
    deadline = time.monotonic() + MAX_WAIT_SECONDS
    while count_warm_workers() < settings.WEB_CONCURRENCY and time.monotonic() < deadline:
        time.sleep(CHECK_SECONDS)
    time.sleep(CHECK_SECONDS)  # for the log lines of the others
    title = "mlsite is running." if is_complete else "mlsite is running, but not all models are loaded. See the log above."
    try:
        print(f"\n{build_summary(title)}", file=sys.stderr, flush=True)
    except (DatabaseError, InterfaceError) as error:
        worker.log.error("no summary: database error: %s", error)
    finally:
        connection.close()
