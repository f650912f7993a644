"""The types of events that users can choose. Apps register theirs in the module `event_data`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from accounts.models import User
from accounts.permissions import has_permission

TEST_EVENT_TYPE = "webhook.test"  # users cannot choose it


@dataclass(frozen=True, slots=True)
class EventType:
    """A type of events.

    Args:
        name: for example `prediction.succeeded`.
        label: what has happened, translated lazily.
        permission: of users who receive the events of all users. Others receive those of their own rows.
    """

    name: str
    label: Any
    permission: str


_types: dict[str, EventType] = {}


def register_event_type(name: str, label: Any, *, permission: str) -> None:
    """Register a type of events. Call it in the module `event_data` of an app."""
    _types[name] = EventType(name, label, permission)


def list_event_types() -> list[EventType]:
    """Return the types, in the order in which apps registered them."""
    return list(_types.values())


def find_event_type(name: str) -> EventType | None:
    """Return a type, or None if users cannot choose it."""
    return _types.get(name)


def can_receive(user: User, *, event_type: str, owner_id: Any) -> bool:
    """Return whether a user may receive an event: of an own row, or with the permission for rows of all users."""
    if not user.is_active:
        return False
    known = _types.get(event_type)
    return owner_id == user.pk or (known is not None and has_permission(user, known.permission))
