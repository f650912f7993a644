"""Optional requirements of tests."""

from __future__ import annotations

import os

import pytest


def require(what: str, found: object) -> None:
    """Skip a test that this machine cannot run; in CI, where everything is installed, that is a failure."""
    if found:
        return
    if os.environ.get("CI"):
        pytest.fail(f"{what} is missing")
    pytest.skip(f"{what} is missing")
