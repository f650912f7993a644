"""Wait for other threads in tests."""

import time


def wait_until(condition):
    """Wait until a function returns a true value, for at most 10 seconds."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)
