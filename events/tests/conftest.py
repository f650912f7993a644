"""Fixtures of events."""

import pytest

from events.tests.sinks import MemorySink


@pytest.fixture
def sink(settings):
    """Return the class of a configured sink that keeps what it receives."""
    settings.EVENT_SINKS = ["events.tests.sinks.MemorySink"]
    MemorySink.reset()
    yield MemorySink
    MemorySink.reset()
