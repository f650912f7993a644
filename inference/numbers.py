"""Numeric limits and formats, shared by all inputs."""

from __future__ import annotations

import re

MAX_FLOAT = 3.4028234663852886e38
"""The largest float32. Most models compute in float32, so a larger number would reach them as infinity."""
MAX_INTEGER = 2**53 - 1
"""The largest integer that JSON carries between languages without loss (RFC 7493, section 2.2)."""

FLOAT_PATTERN = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
INTEGER_PATTERN = re.compile(r"[+-]?\d{1,300}", re.ASCII)
