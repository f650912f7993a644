"""A relay that is killed again and again between the write and the acknowledgement, for tests.

    python -m events.tests.crashing_relay NUMBER_OF_KILLS

It sends the events of the database in DATABASE_URL to EVENT_JSONL_PATH, until so many relays were killed.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import ClassVar

import django

from events.sinks.jsonl import JsonLinesSink


class CrashingSink(JsonLinesSink):
    """Writes the events, and then kills the process in the batch with the number CRASH_AT."""

    batch_size: ClassVar[int] = 3
    send_seconds: ClassVar[float] = 0.1
    sent_batches: ClassVar[int] = 0

    def send(self, events):
        outcomes = super().send(events)
        type(self).sent_batches += 1
        if self.sent_batches == int(os.environ["CRASH_AT"]):
            os.kill(os.getpid(), signal.SIGKILL)
        return outcomes


def run_relay(crash_at):
    """Run a relay in a child process until nothing is due. Return whether it was killed."""
    from events.services.relay import Relay

    os.environ["CRASH_AT"] = str(crash_at)
    if pid := os.fork():
        _, status = os.waitpid(pid, 0)
        return os.WIFSIGNALED(status)
    with Relay(thread_count=1) as relay:
        relay.run(seconds=60)
    os._exit(0)


def main(kills):
    django.setup()
    from events.services import deliver

    deliver.LEASE_MARGIN_SECONDS = 0.1
    killed = rounds = 0
    while killed < kills:
        killed += run_relay(1 + rounds % 3)
        rounds += 1


if __name__ == "__main__":
    main(int(sys.argv[1]))
