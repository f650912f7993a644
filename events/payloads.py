"""Build the CloudEvents that sinks send. Apps register functions that read the data of their events."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC
from fnmatch import fnmatchcase
from typing import Any

from django.conf import settings

from events.models import Event
from events.sinks.base import CloudEvent

SPEC_VERSION = "1.0"
SCHEMA_URI = "urn:mlsite:event-schema:1"  # the `$id` of docs/event-schema.json
REMOVED_DATA = {"removed": True}

DataBuilder = Callable[[Sequence[Event]], Mapping[int, dict[str, Any]]]
"""Returns the data of events by `Event.id`, in a bounded number of queries. Events without data have lost their row."""

_builders: dict[str, DataBuilder] = {}


def event_data(pattern: str) -> Callable[[DataBuilder], DataBuilder]:
    """Register the function that builds the data of events, in the module `event_data` of an app.

    Args:
        pattern: the types, for example `prediction.*`. The part before the dot is the name of the schema of the data.
    """

    def register(builder: DataBuilder) -> DataBuilder:
        _builders[pattern] = builder
        return builder

    return register


def build_cloud_events(events: Sequence[Event]) -> list[CloudEvent]:
    """Return events in the JSON format of CloudEvents 1.0, in the same order.

    If the row of an event was removed, its data is `{"removed": true}`.
    https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
    """
    stored: dict[int, Any] = {event.pk: event.data for event in events if event.data is not None}
    groups: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        pattern = next((pattern for pattern in _builders if fnmatchcase(event.type, pattern)), None)
        if pattern and event.data is None:
            groups[pattern].append(event)
    for pattern, group in groups.items():
        stored |= _builders[pattern](group)
    return [_build_cloud_event(event, stored.get(event.pk, REMOVED_DATA)) for event in events]


def _build_cloud_event(event: Event, data: dict[str, Any]) -> CloudEvent:
    return {
        "specversion": SPEC_VERSION,
        "id": str(event.uuid),
        "source": settings.EVENT_SOURCE,
        "type": event.type,
        "subject": event.subject,
        "time": event.created_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "dataschema": f"{SCHEMA_URI}#/$defs/{event.type.partition('.')[0]}",
        "partitionkey": event.key,
        "data": data,
    }
