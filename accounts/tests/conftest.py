"""Fixtures for tests of accounts."""

from __future__ import annotations

import pytest

from accounts.tests.factories import create_device


@pytest.fixture
def device(user):
    """Return the confirmed TOTP device of `user`."""
    return create_device(user)
