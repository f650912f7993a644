"""Fixtures of events."""

import pytest

from events.tests.receiver import run_receiver
from events.tests.sinks import MemorySink


@pytest.fixture
def sink(settings):
    """Return the class of a configured sink that stores what it receives."""
    settings.EVENT_SINKS = ["events.tests.sinks.MemorySink"]
    MemorySink.reset()
    yield MemorySink
    MemorySink.reset()


@pytest.fixture
def allow_local_receivers(settings):
    settings.WEBHOOK_ALLOW_HTTP = settings.WEBHOOK_ALLOW_PRIVATE_ADDRESSES = True


@pytest.fixture
def receiver(allow_local_receivers):
    """Return a running receiver of webhooks."""
    with run_receiver() as running:
        yield running
