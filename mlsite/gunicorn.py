"""gunicorn configuration. Usage: gunicorn -c python:mlsite.gunicorn

Workers use threads, because requests spend most of their time waiting for the model and the database. Models are loaded
after the fork, because TensorFlow does not work in a forked process. mlsite/worker.py spreads connections over the workers.
"""

from __future__ import annotations

import ctypes
import errno
import gc
import logging
import os
import shutil
import signal
import socket
import sys
import threading
import time
from importlib import import_module
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mlsite.settings")

from django.conf import settings

from core.processes import exit_with_parent
from mlsite.arbiter import RollingArbiter
from mlsite.handover import is_taking_over, take_over
from mlsite.metrics_folder import choose_metrics_folder, merge_metrics
from mlsite.request_buffer import MAX_LINE_BYTES
from mlsite.worker import ErrorLogger, forget_connections

M_MMAP_THRESHOLD, M_ARENA_MAX = -3, -8  # parameter numbers in malloc.h
MMAP_THRESHOLD_BYTES = 2**20
MAX_MALLOC_ARENAS = 2
CHECK_SECONDS = 2  # between checks for newly promoted versions
RETRY_SECONDS = 10  # between attempts to load a model that failed to load
ADDRESS_CHECK_SECONDS = 0.05
ADDRESS_TIMEOUT_SECONDS = 5.0  # in which the workers of a killed server release its address
TASK_STOP_SECONDS = 1.0  # that background tasks have to finish the current item
HOST, IS_IPV6 = settings.HOST.strip("[]"), ":" in settings.HOST
ADDRESS = f"[{HOST}]" if IS_IPV6 else HOST  # as in URLs

wsgi_app = "mlsite.wsgi:application"
bind = f"{ADDRESS}:{settings.PORT}"
worker_class = "mlsite.worker.BalancedThreadWorker"
workers = settings.WEB_CONCURRENCY
threads = settings.WEB_THREADS
timeout = 60  # seconds without a heartbeat before a worker is killed
graceful_timeout = 30  # seconds that requests in progress have to finish after SIGTERM
keepalive = 5  # seconds
limit_request_line = MAX_LINE_BYTES  # the maximum of gunicorn. Its default is half of it.
preload_app = False
forwarded_allow_ips = ""  # settings.HTTPS determines whether the headers of the proxy are trusted
control_socket_disable = True
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108  heartbeats must not wait for a disk
logger_class = ErrorLogger
logconfig_dict: dict[str, Any] = dict(settings.LOGGING)

METRICS_DIR = choose_metrics_folder(settings.VAR_DIR)


def on_starting(server: Any) -> None:
    """Replace workers without a gap, and create an empty folder in which the workers of this server share their metrics."""
    server.__class__ = RollingArbiter  # gunicorn has no setting for the class of its master
    _wait_for_address()
    if not is_taking_over():
        shutil.rmtree(METRICS_DIR, ignore_errors=True)  # left by a killed server with the same process ID
    METRICS_DIR.mkdir(parents=True, exist_ok=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(METRICS_DIR)


def when_ready(server: Any) -> None:
    """Import the site once, for all workers. This opens no database connection and starts no thread.

    Each worker saves a second of CPU. `preload_app` would do the same before `on_starting`, and the metrics need the folder.
    A collection would write to all objects, so that the workers could not share them: `freeze` exempts them.
    """
    import_module("mlsite.wsgi")
    import_module(settings.ROOT_URLCONF)
    if settings.CELERY_BROKER_URL:
        import_module("mlsite.celery")  # the server does not start if Celery is not installed
    gc.collect()
    gc.freeze()
    if is_taking_over():
        take_over(server)


def post_fork(server: Any, worker: Any) -> None:
    """Let a worker die with the master, and make glibc return large memory blocks immediately.

    Decoded images are large and used only for milliseconds. See mallopt(3). Other C libraries do not have this function and
    do not need it.
    """
    exit_with_parent(worker.ppid)
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD_BYTES)
        libc.mallopt(M_ARENA_MAX, MAX_MALLOC_ARENAS)


def post_worker_init(worker: Any) -> None:
    """Start the background threads of a worker: the model loader, the scheduler, and the watchdog.

    With a broker, Celery beat replaces the scheduler.
    """
    from mlsite.scheduler import start_scheduler
    from mlsite.watchdog import watch_models

    exit_with_parent(worker.ppid)  # a change of the user (settings `user` and `group` of gunicorn) has reset it
    # Ctrl+C in a terminal reaches the workers too. Only the master handles it and then stops them: a worker that handles
    # two signals at once can hang in the shutdown of its thread pool until the graceful timeout ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_keep_models_loaded, args=(worker,), name="model-loader", daemon=True).start()
    if not settings.CELERY_BROKER_URL:
        start_scheduler()
    watch_models()


def child_exit(server: Any, worker: Any) -> None:
    from prometheus_client import multiprocess

    forget_connections(worker)
    if METRICS_DIR.is_dir():
        multiprocess.mark_process_dead(worker.pid, str(METRICS_DIR))
        merge_metrics(METRICS_DIR)


def worker_exit(server: Any, worker: Any) -> None:
    """Exit without the cleanup of Python, which takes 1.3 s of CPU to unload TensorFlow. Errors exit normally."""
    from core.tasks import stop_tasks

    exception = sys.exception()
    if os.getpid() == worker.pid and isinstance(exception, SystemExit) and not exception.code:
        stop_tasks(TASK_STOP_SECONDS)
        worker.tpool.shutdown()  # waits for threads that are closing connections
        logging.shutdown()
        os._exit(0)


def on_exit(server: Any) -> None:
    shutil.rmtree(METRICS_DIR, ignore_errors=True)


def _wait_for_address() -> None:
    """Wait until the address is free. A killed server leaves it to its workers, which the kernel needs a moment to end."""
    if "GUNICORN_FD" in os.environ or "LISTEN_FDS" in os.environ:
        return  # the socket is inherited
    deadline = time.monotonic() + ADDRESS_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        with socket.socket(socket.AF_INET6 if IS_IPV6 else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, settings.PORT))
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    time.sleep(ADDRESS_CHECK_SECONDS)
                    continue
            return  # gunicorn reports other errors


def _keep_models_loaded(worker: Any) -> None:
    """Load the models in production at startup and after each promotion. Retry after an error.

    The worker accepts requests after the first attempt. `/readyz` returns 200 if it has loaded them.
    """
    from mlsite.start_summary import show_summary

    was_complete = has_shown_summary = False
    while True:
        is_complete = _load_production_models(worker)
        worker.set_warm()
        if is_complete and not was_complete:
            worker.log.info("ready at http://%s:%s/", ADDRESS, settings.PORT)
        if not has_shown_summary:
            show_summary(worker, is_complete=is_complete)
            has_shown_summary = True
        was_complete = is_complete
        time.sleep(CHECK_SECONDS if is_complete else RETRY_SECONDS)


def _load_production_models(worker: Any) -> bool:
    """Load the models in production that are not loaded yet, if there is room. Return False if an error occurred."""
    from django.db import DatabaseError, InterfaceError, connection

    from inference.errors import InferenceError
    from mlsite.health import first_load_finished
    from registry.serving import get_pool, get_production_versions, get_spec

    is_complete = True
    try:
        specs = [get_spec(version) for version in get_production_versions()]
        for spec in specs:
            try:
                get_pool().preload(spec, keep=specs)
            except InferenceError as error:
                is_complete = False
                worker.log.error("model not loaded: %s: %s", error.code, error.message)
        first_load_finished.set()
    except (DatabaseError, InterfaceError) as error:
        is_complete = False
        worker.log.error("models not loaded: database error: %s", error)
    finally:
        connection.close()
    return is_complete
