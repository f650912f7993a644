"""Create the deliveries of new events."""

from __future__ import annotations

from django.db import connection, transaction

from events.models import Delivery, Event
from events.targets import NewEvent, select_targets

MAX_EVENTS = 1000  # per transaction
ADVISORY_LOCK = 7_310_142_001  # of PostgreSQL: identifies this lock


def fan_out_events() -> int:
    """Create the deliveries of the oldest new events, one per target that receives them. Return the number of events.

    One relay at a time does this. Otherwise, the delivery of an event could exist before that of an earlier one with its
    key, and be sent too early.
    """
    new_events = Event.objects.filter(is_fanned_out=False)
    if not new_events.exists():
        return 0
    with transaction.atomic():
        if not _take_lock():
            return 0
        rows = new_events.order_by("id").values_list(*NewEvent._fields)[:MAX_EVENTS]
        events = [NewEvent(*row) for row in rows]
        Delivery.objects.bulk_create(
            [
                Delivery(event_id=event.id, target=target, key=event.key, next_attempt_at=event.created_at)
                for event, target in select_targets(events)
            ]
        )
        Event.objects.filter(pk__in=[event.id for event in events]).update(is_fanned_out=True)
    return len(events)


def _take_lock() -> bool:
    """Take the lock until the end of the transaction unless another relay has it. On SQLite, each transaction has it."""
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [ADVISORY_LOCK])
        (is_taken,) = cursor.fetchone()
        return bool(is_taken)
