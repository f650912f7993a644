"""A child process dies with its parent, whatever it does."""

import subprocess
import sys
import time

import pytest

from core.tests.processes import is_running
from core.tests.waiting import wait_until

pytestmark = pytest.mark.once
FORK = """
import os, time
from core.processes import exit_with_parent
parent = os.getpid()
child = os.fork()
if child:
    os.write(1, b"%d\\n" % child)  # in one piece, unlike print
    time.sleep(60)
"""
HANG = (
    FORK
    + """
exit_with_parent(parent)
os.write(1, b"ready\\n")
sum(range(10**12))  # holds the interpreter lock
"""
)
ORPHAN = (
    FORK
    + """
exit_with_parent(parent + 1)
print("not reached", flush=True)
"""
)


def run(code):
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


def test_a_child_that_hangs_in_native_code_dies_with_its_parent():
    with run(HANG) as parent:
        lines = {parent.stdout.readline(), parent.stdout.readline()} - {"ready\n"}
        child = int(lines.pop())
        parent.kill()
        killed_at = time.monotonic()
        wait_until(lambda: not is_running(child))
        assert time.monotonic() - killed_at < 1


def test_a_child_whose_parent_has_died_already_exits():
    with run(ORPHAN) as parent:
        child = int(parent.stdout.readline())
        wait_until(lambda: not is_running(child))
        parent.kill()
        assert parent.stdout.read() == ""
