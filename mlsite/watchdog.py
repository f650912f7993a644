"""Stop a process whose model hangs. The process manager starts a new one: gunicorn, or the one that runs Celery."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time

from django.conf import settings

from registry.serving import get_pool

logger = logging.getLogger(__name__)

HUNG_AFTER_TIMEOUTS = 3  # a model that runs longer than this multiple of PREDICT_TIMEOUT is considered hung


def watch_models() -> None:
    """Start a thread that sends SIGTERM to this process if one of its models hangs. Other work can finish."""
    threading.Thread(target=_stop_hung_process, name="watchdog", daemon=True).start()


def _stop_hung_process() -> None:
    limit_seconds = HUNG_AFTER_TIMEOUTS * settings.PREDICT_TIMEOUT
    while get_pool().get_running_seconds() < limit_seconds:
        time.sleep(1)
    logger.critical("restarting the worker: a model has been running for more than %s seconds", limit_seconds)
    os.kill(os.getpid(), signal.SIGTERM)
