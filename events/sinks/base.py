"""Sinks: where events are sent. A sink is one small class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any, ClassVar

CloudEvent = dict[str, Any]
"""An event in the JSON format of CloudEvents 1.0, with the extension `partitionkey`. See docs/events.md."""


class SinkUnavailable(Exception):
    """The sink did not confirm any event of the batch. All are sent again, after a delay. The message is shown to operators.

    Args:
        delay: seconds until the next attempt, if the other system has requested a delay.
    """

    def __init__(self, message: str, *, delay: float | None = None, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.delay, self.details = delay, details


class Result(Enum):
    """What happened to one event."""

    DELIVERED = "delivered"
    RETRY = "retry"  # only this event failed; events with other keys go on
    REJECTED = "rejected"  # it will never be accepted
    SKIPPED = "skipped"  # it was not sent, because others of the batch failed: the attempt does not count


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one event.

    Args:
        message: why the event was not delivered, shown to operators.
        delay: seconds until the next attempt, if the other system has requested a delay.
        details: stored with the delivery, for example the HTTP status. Small, and without secrets.
    """

    result: Result
    message: str = ""
    delay: float | None = None
    details: Mapping[str, Any] | None = None


DELIVERED = Outcome(Result.DELIVERED)


class Sink:
    """Sends events to another system.

    A relay calls `send` with one batch at a time, and `close` at its end or after an error. A batch never has two events
    with the same key. An event is sent again if the relay stops before it stores the outcome, so receivers remove duplicates
    by `id`.
    """

    name: ClassVar[str]
    batch_size: ClassVar[int] = 200
    max_pause_seconds: ClassVar[float] = 60  # between two attempts while the sink is unavailable
    send_seconds: ClassVar[float] = 60  # the longest duration of `send`: then another relay can send the batch again
    max_age: ClassVar[timedelta | None] = None  # of an event, after which it fails for good; None: an outage loses no event

    def __init__(self, **options: Any) -> None:
        """Create a sink, without connecting to anything. `from_settings` passes the options."""

    @classmethod
    def from_settings(cls) -> Sink:
        """Return a sink with the options of the settings."""
        return cls()

    @classmethod
    def check_settings(cls) -> list[str]:
        """Return what is wrong with the settings of this sink, one sentence each."""
        return []

    def send(self, events: Sequence[CloudEvent]) -> Sequence[Outcome]:
        """Send events, and wait until the other system has stored them. Return one outcome per event, in the same order.

        Raises:
            SinkUnavailable: the system cannot be reached, or did not confirm the batch.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Release connections and files."""
