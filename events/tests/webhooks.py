"""Builders of webhooks and their events, for tests."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.db import transaction
from django.utils import timezone

from events.models import Delivery, Event, TargetStatus, Webhook
from events.services import build_event, record_events
from events.services.deliver import deliver_batch
from events.services.fan_out import fan_out_events
from events.services.webhooks import create_webhook
from events.targets import open_sink

SUCCEEDED = "prediction.succeeded"
ALIAS_CHANGED = "alias.changed"


def make_webhook(user: Any, url: str, *event_types: str, **fields: Any) -> Webhook:
    """Create a webhook for the events of succeeded predictions, or of other types."""
    webhook = create_webhook(user=user, url=url, event_types=event_types or [SUCCEEDED])
    Webhook.objects.filter(pk=webhook.pk).update(**fields)
    webhook.refresh_from_db()
    return webhook


def make_event(user: Any, type: str = SUCCEEDED, *, key: str = "", **data: Any) -> Event:
    """Record an event of a row of a user."""
    event = build_event(type=type, subject=uuid4(), key=key or uuid4(), user_id=user and user.pk, data=data or {"x": 1})
    with transaction.atomic():
        record_events(events=[event])
    return event


def relay(webhook: Webhook) -> int:
    """Fan out new events, and send a batch to a webhook if it is not paused. Return how many deliveries were tried."""
    fan_out_events()
    if TargetStatus.objects.filter(pk=webhook.target, next_attempt_at__gt=timezone.now()).exists():
        return 0
    sink = open_sink(webhook.target)
    assert sink
    return deliver_batch(target=webhook.target, sink=sink)


def pass_time(**period: float) -> None:
    """Let the delays of all deliveries and targets pass."""
    moment = timezone.now() - timedelta(**period)
    Delivery.objects.filter(state="pending").update(next_attempt_at=moment)
    TargetStatus.objects.update(next_attempt_at=None)


def get_delivery(event: Event, webhook: Webhook) -> Delivery:
    return Delivery.objects.get(event=event, target=webhook.target)


def make_deliveries(user: Any, webhook: Webhook, count: int, **fields: Any) -> list[Delivery]:
    """Create new events, and a delivery of each to a webhook."""
    events = [make_event(user) for _ in range(count)]
    Event.objects.update(is_fanned_out=True)
    values = {"target": webhook.target, **fields}
    return Delivery.objects.bulk_create(Delivery(event=event, key=event.key, **values) for event in events)
