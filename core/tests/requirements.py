"""Optional requirements of tests."""

from __future__ import annotations

import os

import pytest


def require(name: str, available: object) -> None:
    """Skip a test if a requirement is missing. In CI, where everything is installed, fail it."""
    if available:
        return
    if os.environ.get("CI"):
        pytest.fail(f"{name} is missing")
    pytest.skip(f"{name} is missing")
