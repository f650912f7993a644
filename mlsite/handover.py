"""Load new code and settings in the master process, which keeps its process ID, its socket, and its workers.

The master executes the program of the server again. The new program adopts the running workers and then replaces them one
by one (see mlsite/arbiter.py). It finds their process IDs, and the descriptors of their heartbeats, in an environment
variable. Signals that arrive meanwhile stay pending until it can handle them.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import Any

from gunicorn.arbiter import Arbiter

from mlsite.worker import COUNTS_VARIABLE, counts_descriptor

WORKERS_VARIABLE = "MLSITE_WORKERS"
PARENT_VARIABLE, SOCKETS_VARIABLE = "GUNICORN_PID", "GUNICORN_FD"  # of gunicorn
SYSTEMD_VARIABLES = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")
CHECK_TIMEOUT_SECONDS = 60
SIGNALS = (*Arbiter.SIGNALS, signal.SIGCHLD)


def can_start_again(server: Arbiter) -> bool:
    """Return whether the server would start with its current code and settings. It writes the reason to the log if not."""
    try:
        checked = subprocess.run(  # noqa: S603  the command of this process
            [*_get_command(), "--check-config"],
            env=_get_environment(server),
            cwd=server.START_CTX["cwd"],
            stdin=subprocess.DEVNULL,
            timeout=CHECK_TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return checked.returncode == 0


def start_again(server: Arbiter) -> None:
    """Execute the program of the server again. This does not return.

    Raises:
        OSError: the program cannot be executed.
    """
    workers = []
    for worker in server.WORKERS.values():
        os.set_inheritable(worker.tmp.fileno(), True)
        workers.append([worker.pid, worker.age, worker.tmp.fileno(), worker.stops_since])
    os.set_inheritable(counts_descriptor, True)
    environment = _get_environment(server) | {
        PARENT_VARIABLE: str(os.getpid()),  # gunicorn takes the sockets from the next variable only if this one is set
        SOCKETS_VARIABLE: ",".join(str(listener.fileno()) for listener in server.LISTENERS),
        COUNTS_VARIABLE: str(counts_descriptor),
        WORKERS_VARIABLE: json.dumps(workers),
    }
    os.chdir(server.START_CTX["cwd"])
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        os.execve(sys.executable, _get_command(), environment)  # noqa: S606  no shell
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def is_taking_over() -> bool:
    """Return whether this program adopts the workers of an earlier one."""
    return WORKERS_VARIABLE in os.environ


def take_over(server: Any) -> None:
    """Adopt the workers of the earlier program, as old workers that are replaced. Then handle signals."""
    for pid, age, descriptor, stops_since in json.loads(os.environ.pop(WORKERS_VARIABLE)):
        worker = server.worker_class(
            age, server.pid, server.LISTENERS, server.app, server.timeout / 2, server.cfg, server.log
        )
        worker.tmp.close()
        worker.tmp._tmp = os.fdopen(descriptor, "w+b", 0)  # the file of its heartbeats
        os.set_inheritable(descriptor, False)
        worker.pid, worker.stops_since = pid, stops_since
        server.WORKERS[pid] = worker
        server.worker_age = server.last_old_age = max(server.worker_age, age)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def _get_command() -> list[str]:
    return [sys.executable, *sys.orig_argv[1:]]


def _get_environment(server: Arbiter) -> dict[str, str]:
    """Return the environment of the first start: without values from `.env`, and without those of an earlier reload."""
    dropped = {PARENT_VARIABLE, SOCKETS_VARIABLE, COUNTS_VARIABLE, WORKERS_VARIABLE, *SYSTEMD_VARIABLES}
    return {name: value for name, value in server.cfg.env_orig.items() if name not in dropped}
