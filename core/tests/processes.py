"""Other processes in tests."""

import os
import signal
from contextlib import suppress
from pathlib import Path

from core.tests.waiting import wait_until

ENDED_STATES = {"Z", "X"}  # https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
STOPPED_STATES = {"T", *ENDED_STATES}


def is_running(pid: int) -> bool:
    """Return whether a process exists and has not ended."""
    try:
        return _read_state(Path(f"/proc/{pid}/stat")) not in ENDED_STATES
    except (FileNotFoundError, ProcessLookupError):
        return False


def stop_process(pid: int) -> None:
    """Send SIGSTOP to a process, and wait until all its threads have stopped.

    A thread that runs on another processor continues for a moment after the signal was sent. A server may still send a
    response meanwhile.

    Raises:
        ProcessLookupError: there is no such process.
    """
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: list_thread_states(pid) <= STOPPED_STATES)


def list_thread_states(pid: int) -> set[str]:
    states = set()
    for path in Path(f"/proc/{pid}/task").glob("*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):  # the thread ended
            states.add(_read_state(path))
    return states


def _read_state(path: Path) -> str:
    return path.read_text().rpartition(")")[2].split()[0]
