"""Record events in the transaction of the change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import transaction

from events.models import Event


def build_event(
    *,
    type: str,
    subject: object,
    key: object = None,
    user_id: UUID | None = None,
    uuid: UUID | None = None,
    data: dict[str, Any] | None = None,
) -> Event:
    """Return an event for `record_events`. It is not stored yet.

    Args:
        type: for example `alias.changed`.
        subject: the ID or the name of what changed.
        key: events with the same key are sent in order; the subject by default.
        user_id: the owner of what changed, who may receive the event.
        uuid: the ID of a row that has exactly one event.
        data: only for types without a function in `event_data`.
    """
    event = Event(type=type, subject=str(subject), key=str(subject if key is None else key), user_id=user_id, data=data)
    if uuid is not None:
        event.uuid = uuid
    return event


def record_events(*, events: Sequence[Event]) -> None:
    """Record events in the current transaction, in their order.

    Call it after the changes, under their locks, so that events with the same key have the order of the changes.

    Raises:
        TransactionManagementError: no transaction is open, so a crash could separate the events from their change.
    """
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("Record events in the transaction of their change.")
    Event.objects.bulk_create(events)
