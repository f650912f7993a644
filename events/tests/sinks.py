"""Sinks and events for tests."""

from __future__ import annotations

from collections import Counter
from typing import ClassVar

from events.models import Delivery, Event, TargetStatus
from events.services import build_event, record_events
from events.sinks.base import DELIVERED, Outcome, Result, Sink, SinkUnavailable

RETRY, REJECTED = Outcome(Result.RETRY, "try later"), Outcome(Result.REJECTED, "never")


class MemorySink(Sink):
    """Keeps the subjects that it received. Tests set what it returns, by subject."""

    name = "memory"
    received: ClassVar[list[str]] = []
    batches: ClassVar[list[int]] = []
    outcomes: ClassVar[dict[str, Outcome]] = {}
    calls: ClassVar[Counter] = Counter()
    error: ClassVar[Exception | None] = None

    @classmethod
    def reset(cls):
        for collection in (cls.received, cls.batches, cls.outcomes, cls.calls):
            collection.clear()
        cls.error, cls.batch_size, cls.max_age = None, 200, None

    def send(self, events):
        self.calls["send"] += 1
        if self.error:
            raise self.error
        self.batches.append(len(events))
        outcomes = [self.outcomes.get(event["subject"], DELIVERED) for event in events]
        self.received.extend(
            event["subject"] for event, outcome in zip(events, outcomes, strict=True) if outcome.result is Result.DELIVERED
        )
        return outcomes

    def close(self):
        self.calls["close"] += 1


class OtherSink(MemorySink):
    """Another sink, with its own name."""

    name = "other"
    received: ClassVar[list[str]] = []


def record(*subjects, key=None, **options):
    """Record an event for each subject, and return them."""
    events = [build_event(type="test.happened", subject=subject, key=key, data={}, **options) for subject in subjects]
    record_events(events=events)
    return events


def make_unavailable(message="connection refused", **options):
    MemorySink.error = SinkUnavailable(message, **options)


def pass_time(delta):
    """Move all stored times into the past, as if time had passed."""
    for model, field in ((Event, "created_at"), (Delivery, "next_attempt_at"), (TargetStatus, "next_attempt_at")):
        for row in model.objects.filter(**{f"{field}__isnull": False}):
            model.objects.filter(pk=row.pk).update(**{field: getattr(row, field) - delta})
