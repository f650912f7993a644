"""Let a child process die with its parent."""

from __future__ import annotations

import ctypes
import os
import signal
import threading
import time

PR_SET_PDEATHSIG = 1  # in sys/prctl.h
CHECK_SECONDS = 0.5


def exit_with_parent(parent: int) -> None:
    """Kill this process when its parent dies, even while a model loads or hangs in native code.

    Call it in the child after the fork, and again after a change of the user, which resets it. See prctl(2). Systems other
    than Linux have no such signal: a thread checks the parent there.

    Args:
        parent: the process ID of the parent. If it has died already, this process ends here.
    """
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is None or prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0):
        threading.Thread(target=_watch_parent, args=(parent,), name="parent-check", daemon=True).start()
    if os.getppid() != parent:
        os._exit(1)


def _watch_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(CHECK_SECONDS)
    os._exit(1)
