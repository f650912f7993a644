"""Create and change the webhooks of users."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from accounts.models import User
from accounts.services.attempts import count_attempt
from accounts.services.usage import LimitReached
from core.formatting import format_duration
from core.locks import lock_row, refresh_row
from core.tasks import enqueue
from events.error_messages import get_error_columns
from events.event_types import TEST_EVENT_TYPE
from events.models import Delivery, Event, TargetStatus, Webhook
from events.services.resend import send_again
from events.webhooks.signatures import create_secret

MAX_WEBHOOKS = 20  # of one user
ROTATION_PERIOD = timedelta(hours=24)  # in which requests are signed with the previous secret too
MAX_TEST_EVENTS = 10  # of one user per hour
DELETE_TASK = "events.delete_deliveries"
MAX_DELETED = 2000  # deliveries per transaction
MAX_RESENT = 2000  # deliveries per request
MAX_RESENDS = 60  # requests of one user per hour


class TooManyTestEvents(LimitReached):
    """The user has sent too many test events in this hour."""

    code = "too-many-test-events"


class TooManyResends(LimitReached):
    """The user has resent events too often in this hour."""

    code = "too-many-resends"


def create_webhook(*, user: User, url: str, event_types: Sequence[str], description: str = "") -> Webhook:
    """Create a webhook with a new secret.

    Raises:
        ValidationError: a value is invalid, or the user has too many webhooks.
        RowDeleted: the account was deleted.
    """
    webhook = Webhook(user=user, url=url, event_types=list(event_types), description=description, secret=create_secret())
    with transaction.atomic():
        lock_row(user)  # two requests at the same time could exceed the limit
        webhook.full_clean()
        if user.webhooks.count() >= MAX_WEBHOOKS:
            message = gettext("You can have at most %(count)s webhooks. Delete one first.") % {"count": MAX_WEBHOOKS}
            raise ValidationError(message, code="too-many-webhooks")
        webhook.save(force_insert=True)
    return webhook


def update_webhook(
    *,
    webhook: Webhook,
    url: str | None = None,
    event_types: Sequence[str] | None = None,
    description: str | None = None,
) -> Webhook:
    """Change some fields of a webhook. Deliveries that wait are sent to the new URL.

    Args:
        url, event_types, description: None leaves a field as it is.

    Raises:
        ValidationError: a value is invalid.
        RowDeleted: the webhook was deleted.
    """
    given = {"url": url, "event_types": event_types and list(event_types), "description": description}
    changes = {name: value for name, value in given.items() if value is not None}
    with transaction.atomic():
        locked = lock_row(webhook)
        for name, value in changes.items():
            setattr(locked, name, value)
        locked.full_clean()
        locked.save(update_fields=list(changes))
    return locked


def pause_webhook(*, webhook: Webhook) -> Webhook:
    """Send nothing to a webhook until it is resumed. Its events wait. A disabled webhook stays disabled.

    Raises:
        RowDeleted: the webhook was deleted.
    """
    with transaction.atomic():
        locked = lock_row(webhook)
        if locked.state == Webhook.State.ACTIVE:
            locked.state = Webhook.State.PAUSED
            locked.save(update_fields=["state"])
    return locked


def pause_webhooks(*, user: User) -> None:
    """Pause the active webhooks of a user."""
    user.webhooks.filter(state=Webhook.State.ACTIVE).update(state=Webhook.State.PAUSED)


def resume_webhook(*, webhook: Webhook) -> Webhook:
    """Send events to a paused or disabled webhook again, and those that wait now.

    Raises:
        RowDeleted: the webhook was deleted.
    """
    values = {
        **{"state": Webhook.State.ACTIVE, "disabled_at": None, "disabled_reason": ""},
        **get_error_columns("", prefix="disabled_error"),
        **{"failure_count": 0, "failing_since": None, "resumed_at": timezone.now()},
    }
    with transaction.atomic():
        locked = lock_row(webhook)
        for name, value in values.items():
            setattr(locked, name, value)
        locked.save(update_fields=list(values))
        _end_pause(webhook)
    return locked


def rotate_secret(*, webhook: Webhook) -> Webhook:
    """Create a new secret. For 24 hours, requests are signed with the previous one too.

    Raises:
        RowDeleted: the webhook was deleted.
    """
    with transaction.atomic():
        locked = lock_row(webhook)  # of two requests at the same time, the second keeps the secret that the first returned
        locked.previous_secret, locked.secret = locked.secret, create_secret()
        locked.previous_secret_expires_at = timezone.now() + ROTATION_PERIOD
        locked.save(update_fields=["secret", "previous_secret", "previous_secret_expires_at"])
    return locked


def get_secret_time(webhook: Webhook) -> datetime:
    """Return when the current secret was created."""
    expires_at = webhook.previous_secret_expires_at
    return expires_at - ROTATION_PERIOD if expires_at else webhook.created_at


def delete_webhook(*, webhook: Webhook) -> None:
    """Delete a webhook and its deliveries. A request that is being sent may still arrive."""
    with transaction.atomic():
        target = webhook.target
        webhook.delete()
        if _delete_some_deliveries(target):
            enqueue(DELETE_TASK, target)


def delete_webhooks(*, user: User) -> None:
    """Delete the webhooks of a user and their deliveries."""
    with transaction.atomic():
        for webhook in user.webhooks.all():
            delete_webhook(webhook=webhook)


def delete_deliveries(*, target: str) -> None:
    """Delete all deliveries of a target, in small transactions. If this stops, the rest is removed as old events are."""
    while _delete_some_deliveries(target):
        pass


def send_test_event(*, webhook: Webhook) -> Delivery:
    """Record an event that only this webhook receives. A relay sends it within seconds, after what waits already.

    Raises:
        TooManyTestEvents: the user has sent `MAX_TEST_EVENTS` in this hour.
        RowDeleted: the webhook was deleted.
    """
    _count_test_event(webhook)
    now = timezone.now()
    data: dict[str, Any] = {"message": "This is a test event.", "webhook": str(webhook.pk)}
    with transaction.atomic():
        lock_row(webhook)
        event = Event.objects.create(
            type=TEST_EVENT_TYPE,
            subject=str(webhook.pk),
            key=str(webhook.pk),
            user=webhook.user,
            created_at=now,
            data=data,
            is_fanned_out=True,
        )
        delivery = Delivery.objects.create(event=event, target=webhook.target, key=event.key, next_attempt_at=now)
        _end_pause(webhook)
    return delivery


def resend_deliveries(*, webhook: Webhook, delivery_id: int | None = None) -> int:
    """Send one ended delivery again, or all failed ones, at most `MAX_RESENT`. Return their number.

    Raises:
        TooManyResends: the user has done so `MAX_RESENDS` times in this hour.
        RowDeleted: the webhook was deleted.
    """
    refresh_row(webhook)
    _count_resend(webhook)
    rows = Delivery.objects.filter(target=webhook.target)
    if delivery_id is not None:
        return send_again(deliveries=rows.filter(pk=delivery_id))
    failed = rows.filter(state=Delivery.State.FAILED).order_by("event_id").values_list("pk", flat=True)
    return send_again(deliveries=Delivery.objects.filter(pk__in=list(failed[:MAX_RESENT])))


def _count_test_event(webhook: Webhook) -> None:
    wait = count_attempt(kind="test-event", key=str(webhook.user_id), limit=MAX_TEST_EVENTS)
    if wait:
        text = gettext("You can send at most %(count)s test events per hour. Send the next one in %(wait)s.")
        message = text % {"count": MAX_TEST_EVENTS, "wait": format_duration(wait)}
        raise TooManyTestEvents(message, limit=MAX_TEST_EVENTS, retry_after_seconds=wait)


def _count_resend(webhook: Webhook) -> None:
    wait = count_attempt(kind="webhook-resend", key=str(webhook.user_id), limit=MAX_RESENDS)
    if wait:
        text = gettext("You can send events again at most %(count)s times per hour. Try again in %(wait)s.")
        message = text % {"count": MAX_RESENDS, "wait": format_duration(wait)}
        raise TooManyResends(message, limit=MAX_RESENDS, retry_after_seconds=wait)


def _end_pause(webhook: Webhook) -> None:
    """Let the relays try the webhook now."""
    TargetStatus.objects.filter(pk=webhook.target).update(failures=0, next_attempt_at=None)


def _delete_some_deliveries(target: str) -> bool:
    """Delete deliveries of a target. Return whether some are left. If not, delete its status too."""
    ids = list(Delivery.objects.filter(target=target).order_by("event_id").values_list("pk", flat=True)[:MAX_DELETED])
    Delivery.objects.filter(pk__in=ids).delete()
    if len(ids) == MAX_DELETED:
        return True
    TargetStatus.objects.filter(pk=target).delete()
    return False
