"""Fixtures of the predictions app."""

import errno
import os

import pytest

from inference.tests.factories import make_image
from predictions.tests.factories import make_prediction


@pytest.fixture
def three(shades, user):
    """Return three predictions of one user: black, grey and white."""
    return [make_prediction(user, make_image(shade), client_reference=f"ref-{shade}") for shade in (0, 127, 255)]


@pytest.fixture
def fill_disk(monkeypatch):
    """Let the operating system report a full disk whenever a file is written."""

    def fail(descriptor):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "fsync", fail)
