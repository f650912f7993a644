"""The data of events about aliases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.permissions import VIEW_MODELS
from events.event_types import register_event_type
from events.models import Event
from events.payloads import event_data
from registry.models import AliasChange

register_event_type("alias.changed", _("Alias changed (if you can see all models)"), permission=VIEW_MODELS)


@event_data("alias.*")
def build_alias_data(events: Sequence[Event]) -> dict[int, dict[str, Any]]:
    """Return the changes of aliases, without the user who made them."""
    changes = AliasChange.objects.select_related("model", "from_version", "to_version")
    rows = changes.in_bulk([event.uuid for event in events])
    return {event.pk: _represent_change(rows[event.uuid]) for event in events if event.uuid in rows}


def _represent_change(change: AliasChange) -> dict[str, Any]:
    return {
        "model": change.model.name,
        "alias": change.alias,
        "from_version": change.from_version.number if change.from_version else None,
        "to_version": change.to_version.number,
    }
