"""Wait for other threads and processes in tests."""

import time


def wait_until(condition, seconds=10):
    """Wait until a function returns a true value, for at most some seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s"
        time.sleep(0.001)
