"""Targets: the names that deliveries have, and the sinks behind them.

A configured sink is a target with the name of the sink. Other targets, such as `webhook:<id>`, belong to a provider of that
prefix.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import NamedTuple, Protocol
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string

from events.sinks.base import Sink

BUILT_IN_SINKS = {"jsonl": "events.sinks.jsonl.JsonLinesSink", "kafka": "events.sinks.kafka.KafkaSink"}
SEPARATOR = ":"


class NewEvent(NamedTuple):
    """What decides who receives an event. Reading only these columns takes half the CPU of a model object."""

    id: int
    type: str
    key: str
    user_id: UUID | None
    created_at: datetime


class TargetProvider(Protocol):
    """Targets that the database defines."""

    def select_targets(self, events: Sequence[NewEvent]) -> Iterable[tuple[NewEvent, str]]:
        """Return pairs of an event and the name of a target that receives it, with few queries."""

    def open_sink(self, target: str) -> Sink | None:
        """Return the sink of a target, or None if the target does not exist any more."""


_providers: dict[str, TargetProvider] = {}


def register_provider(prefix: str, provider: TargetProvider) -> None:
    """Register the provider of the targets `<prefix>:…`. Call it in `AppConfig.ready`."""
    _providers[prefix] = provider


@cache
def load_sink_classes(names: tuple[str, ...]) -> dict[str, type[Sink]]:
    """Return the classes of configured sinks by name.

    Args:
        names: short names of built-in sinks, or dotted paths of subclasses of `Sink`.

    Raises:
        ImportError: there is no such class.
    """
    classes = [import_string(BUILT_IN_SINKS.get(name, name)) for name in names]
    return {sink.name: sink for sink in classes}


def get_sink_classes() -> dict[str, type[Sink]]:
    """Return the classes of the sinks in `settings.EVENT_SINKS` by name."""
    return load_sink_classes(tuple(settings.EVENT_SINKS))


def select_targets(events: Sequence[NewEvent]) -> list[tuple[NewEvent, str]]:
    """Return pairs of an event and the name of a target that receives it. Configured sinks receive all events."""
    pairs = [(event, name) for event in events for name in get_sink_classes()]
    for provider in _providers.values():
        pairs += provider.select_targets(events)
    return pairs


def is_known_target(target: str) -> bool:
    """Return whether a target has a configured sink or a provider."""
    prefix, separator, _ = target.partition(SEPARATOR)
    return prefix in _providers if separator else target in get_sink_classes()


def open_sink(target: str) -> Sink | None:
    """Return the sink of a target, or None if the target is not configured any more."""
    prefix, separator, _ = target.partition(SEPARATOR)
    if separator:
        return _providers[prefix].open_sink(target) if prefix in _providers else None
    sink_class = get_sink_classes().get(target)
    return sink_class.from_settings() if sink_class else None
