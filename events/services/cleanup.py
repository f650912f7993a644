"""Remove old events."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef
from django.utils import timezone

from events.models import Delivery, Event
from events.targets import is_known_target

MAX_REMOVED_EVENTS = 1000  # per transaction


def remove_old_events() -> int:
    """Remove events that are older than `settings.EVENT_RETENTION_DAYS`, with their deliveries. Return their number.

    An event with a pending delivery stays, unless the target is not configured any more. The events are read in the order of
    their IDs, up to the first ones that are not old.
    """
    cutoff = timezone.now() - timedelta(days=settings.EVENT_RETENTION_DAYS)
    known_targets = [target for target in Delivery.objects.iterate_targets() if is_known_target(target)]
    count, last_id = 0, 0
    while True:
        rows = list(Event.objects.filter(pk__gt=last_id).order_by("pk").values_list("pk", "created_at")[:MAX_REMOVED_EVENTS])
        old_ids = [pk for pk, created_at in rows if created_at < cutoff]
        if not old_ids:
            return count
        count += _remove_events(old_ids, known_targets)
        last_id = rows[-1][0]


def _remove_events(event_ids: Sequence[int], known_targets: Sequence[str]) -> int:
    """Remove events that no relay has to send any more. Return their number."""
    pending = Delivery.objects.pending().filter(event=OuterRef("pk"), target__in=known_targets)
    ended = Event.objects.filter(~Exists(pending), pk__in=event_ids, is_fanned_out=True)
    _, counts = ended.delete()
    return counts.get(Event._meta.label, 0)
