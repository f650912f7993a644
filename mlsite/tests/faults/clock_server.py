"""gunicorn configuration whose clock differs from that of the system by the seconds in a file in VAR_DIR.

It changes `time.time` and Django's `timezone.now`. libfaketime cannot be used: with it, `time.sleep` of Python 3.11 fails.

Usage: gunicorn -c python:mlsite.tests.faults.clock_server
"""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path

from django.utils import timezone

OFFSET_FILE = "clock-offset"
_path = Path(os.environ.get("VAR_DIR", "."), OFFSET_FILE)
_get_time, _get_time_ns, _get_now = time.time, time.time_ns, timezone.now


def read_offset() -> int:
    """Return the difference in seconds."""
    try:
        return int(_path.read_text())
    except FileNotFoundError:
        return 0


def change_clocks() -> None:
    """Replace the functions that read the clock, before other modules import them."""
    time.time = lambda: _get_time() + read_offset()
    time.time_ns = lambda: _get_time_ns() + read_offset() * 10**9
    timezone.now = lambda: _get_now() + timedelta(seconds=read_offset())


if OFFSET_FILE in os.environ.get("FAULT_CLOCK", ""):
    change_clocks()

from mlsite.gunicorn import *  # noqa: E402, F403
