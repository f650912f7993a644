"""gunicorn's configuration: gunicorn -c python:mlsite.gunicorn

Threads, because a request waits for the model and the database. Nothing is loaded before the fork: TensorFlow does not
survive one.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import threading
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mlsite.settings")

from django.conf import settings

M_MMAP_THRESHOLD, M_ARENA_MAX = -3, -8  # malloc.h
LOOK_EVERY, RETRY_AFTER = 2, 10  # seconds between looks at what is in production
STUCK_AFTER = 3  # times PREDICT_TIMEOUT

wsgi_app = "mlsite.wsgi:application"
bind = f"{settings.HOST}:{settings.PORT}"
worker_class = "gthread"
workers = settings.WEB_CONCURRENCY
threads = settings.WEB_THREADS
timeout = 60  # seconds without a heartbeat, after which a worker is killed
graceful_timeout = 30  # seconds that requests in flight may take after SIGTERM
keepalive = 5  # seconds
preload_app = False
forwarded_allow_ips = ""  # Django decides whom to believe about HTTPS: settings.HTTPS
control_socket_disable = True
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108  heartbeats need no disk
logconfig_dict: dict[str, Any] = dict(settings.LOGGING)

METRICS_DIR = Path(settings.VAR_DIR, "run", f"metrics-{os.getpid()}")


def on_starting(server: Any) -> None:
    """Give this server's processes one folder for their counters, empty at each start."""
    shutil.rmtree(METRICS_DIR, ignore_errors=True)  # of a killed server that had our process id
    METRICS_DIR.mkdir(parents=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(METRICS_DIR)


def post_fork(server: Any, worker: Any) -> None:
    """Let glibc give large blocks back to the system at once: decoded images are large and live for milliseconds.

    The parameters are those of mallopt(3). Other C libraries have no such function, and no such habit.
    """
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(M_MMAP_THRESHOLD, 2**20)
        libc.mallopt(M_ARENA_MAX, 2)


def post_worker_init(worker: Any) -> None:
    """Load the models in a background thread: /healthz responds meanwhile, /readyz becomes ready afterwards."""
    from mlsite.scheduler import start_scheduler

    threading.Thread(target=_keep_loaded, args=(worker,), name="keep-loaded", daemon=True).start()
    start_scheduler()
    threading.Thread(target=_watch, args=(worker,), name="watch", daemon=True).start()


def child_exit(server: Any, worker: Any) -> None:
    from prometheus_client import multiprocess

    if METRICS_DIR.is_dir():
        multiprocess.mark_process_dead(worker.pid, str(METRICS_DIR))


def on_exit(server: Any) -> None:
    shutil.rmtree(METRICS_DIR, ignore_errors=True)


def _keep_loaded(worker: Any) -> None:
    """Load what is in production and not loaded yet: at the start, after a promotion, after a fault that has passed."""
    nap, ready = threading.Event(), False
    while True:
        complete = _load_production(worker)
        if complete and not ready:
            worker.log.info("ready at http://%s:%s/", settings.HOST, settings.PORT)
        ready = complete
        nap.wait(LOOK_EVERY if complete else RETRY_AFTER)


def _load_production(worker: Any) -> bool:
    """Return whether every model in production is loaded now, or all that there is room for."""
    from django.db import DatabaseError, InterfaceError, connection

    from inference.errors import InferenceError
    from mlsite.health import been_ready
    from registry.serving import get_pool, get_production_versions, get_spec

    complete = True
    try:
        wanted = [get_spec(version) for version in get_production_versions()]
        for spec in wanted:
            try:
                get_pool().preload(spec, keep=wanted)
            except InferenceError as error:
                complete = False
                worker.log.error("model not loaded: %s: %s", error.code, error.message)
        been_ready.set()
    except (DatabaseError, InterfaceError) as error:
        complete = False
        worker.log.error("models not loaded: %s", error)
    finally:
        connection.close()
    return complete


def _watch(worker: Any) -> None:
    """Replace a process whose model hangs: ask it to stop, let its other requests finish, and get a new one."""
    from registry.serving import get_pool

    limit = STUCK_AFTER * settings.PREDICT_TIMEOUT
    nap = threading.Event()
    while get_pool().get_running_seconds() < limit:
        nap.wait(1)
    worker.log.critical("a model has been running for more than %s seconds; this process is replaced", limit)
    os.kill(os.getpid(), signal.SIGTERM)
