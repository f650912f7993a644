"""Wait for other threads in tests."""

import time


def wait_until(condition, seconds=10):
    """Wait until a function returns a true value."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)
