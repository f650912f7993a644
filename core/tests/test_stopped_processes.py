"""Stop a process and all its threads."""

import subprocess
import sys

import pytest

from core.tests.processes import list_thread_states, stop_process

SCRIPT = """
import threading, time
for _ in range(4):
    threading.Thread(target=lambda: [None for _ in iter(int, 1)], daemon=True).start()
print("started", flush=True)
time.sleep(60)
"""


@pytest.mark.once
def test_all_threads_have_stopped():
    with subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE) as process:
        try:
            process.stdout.readline()
            stop_process(process.pid)
            assert list_thread_states(process.pid) == {"T"}
        finally:
            process.kill()


def test_a_process_that_has_ended_is_reported():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    with pytest.raises(ProcessLookupError):
        stop_process(process.pid)
