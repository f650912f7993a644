"""Send events to the webhooks of users, with the permissions that their users have at that time."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import ClassVar
from uuid import UUID

from accounts.models import User
from core.fields import parse_uuid
from events.error_messages import build_error
from events.event_types import EventType, can_receive, find_event_type
from events.models import Event, Webhook
from events.models.webhook import TARGET_PREFIX
from events.services.webhook_state import disable_webhook, record_failures, record_success
from events.sinks.base import CloudEvent, Outcome, Result, Sink, SinkUnavailable
from events.targets import SEPARATOR, NewEvent
from events.webhooks.requests import REQUEST_SECONDS, Attempt, send_event

PARALLEL_REQUESTS = 5  # to one webhook
PAUSE_SECONDS = 3600.0  # between two looks at a paused webhook; resuming it ends the wait
PERMISSION_BACKEND = "django.contrib.auth.backends.ModelBackend"
SKIPPED = Outcome(Result.SKIPPED)
DISABLED = Outcome(Result.REJECTED, build_error("disabled"))
INACTIVE = Outcome(Result.REJECTED, build_error("inactive-user"))
DELETED = Outcome(Result.REJECTED, build_error("deleted"))
FORBIDDEN = Outcome(Result.REJECTED, build_error("forbidden"))


class WebhookSink(Sink):
    """Sends events to one webhook, one request per event. The events of a batch have different keys, so some go in parallel.

    If there is no response, the rest of the batch is not tried, and the webhook is paused. An event is tried for about three
    days, as Standard Webhooks recommends.
    """

    name: ClassVar[str] = TARGET_PREFIX
    batch_size: ClassVar[int] = 20
    send_seconds: ClassVar[float] = batch_size / PARALLEL_REQUESTS * REQUEST_SECONDS + 10
    max_pause_seconds: ClassVar[float] = 1800
    max_age: ClassVar[timedelta | None] = timedelta(days=3)

    def __init__(self, *, webhook_id: UUID) -> None:
        self._webhook_id = webhook_id

    def send(self, events: Sequence[CloudEvent]) -> Sequence[Outcome]:
        webhook = Webhook.objects.select_related("user").filter(pk=self._webhook_id).first()
        if webhook is None:
            return [DELETED] * len(events)
        if not webhook.user.is_active:
            return [INACTIVE] * len(events)
        if webhook.state == Webhook.State.DISABLED:
            return [DISABLED] * len(events)
        if webhook.state == Webhook.State.PAUSED:
            raise SinkUnavailable(build_error("paused"), delay=PAUSE_SECONDS)
        allowed = filter_allowed(webhook.user, events)
        attempts = send_events(webhook, [event for event in events if event["id"] in allowed])
        outcomes = process_attempts(webhook, attempts)
        return [outcomes.get(event["id"], FORBIDDEN) for event in events]


def filter_allowed(user: User, events: Sequence[CloudEvent]) -> set[str]:
    """Return the IDs of the events that a user may see now. The permissions can have changed since the events happened."""
    owners = dict(Event.objects.filter(uuid__in=[event["id"] for event in events]).values_list("uuid", "user_id"))
    return {
        str(uuid)
        for event in events
        if (uuid := UUID(event["id"])) in owners and can_receive(user, event_type=event["type"], owner_id=owners[uuid])
    }


def send_events(webhook: Webhook, events: Sequence[CloudEvent]) -> dict[str, Attempt | None]:
    """Send events, and return the attempts by the ID of the event: None for those that were not tried after an outage."""
    secrets, has_outage = webhook.list_valid_secrets(), threading.Event()

    def send(event: CloudEvent) -> Attempt | None:
        if has_outage.is_set():
            return None
        body = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        attempt = send_event(url=webhook.url, valid_secrets=secrets, event_id=event["id"], body=body)
        if attempt.is_outage:
            has_outage.set()
        return attempt

    with ThreadPoolExecutor(PARALLEL_REQUESTS) as executor:
        return dict(zip([event["id"] for event in events], executor.map(send, events), strict=True))


def process_attempts(webhook: Webhook, attempts: dict[str, Attempt | None]) -> dict[str, Outcome]:
    """Record whether the webhook accepts events, and return the outcomes.

    Raises:
        SinkUnavailable: no event was delivered, and one had no response.
    """
    made = [attempt for attempt in attempts.values() if attempt is not None]
    failed = [attempt for attempt in made if not attempt.is_delivered]
    gone = next((attempt for attempt in made if attempt.is_gone), None)
    if gone and disable_webhook(webhook=webhook, reason=Webhook.Reason.GONE, error=gone.message):
        return {key: build_outcome(attempt, Result.REJECTED) if attempt else DISABLED for key, attempt in attempts.items()}
    if len(failed) < len(made):
        record_success(webhook=webhook)
    elif failed:
        record_failures(webhook=webhook, count=len(failed), error=failed[-1].message)
        if outage := next((attempt for attempt in failed if attempt.is_outage), None):
            raise SinkUnavailable(outage.message, delay=outage.delay, details=outage.details)
    return {key: build_outcome(attempt, Result.RETRY) if attempt else SKIPPED for key, attempt in attempts.items()}


def build_outcome(attempt: Attempt, failure: Result) -> Outcome:
    """Return the outcome of an attempt: delivered, or the given result of a failure."""
    result = Result.DELIVERED if attempt.is_delivered else failure
    return Outcome(result, attempt.message, attempt.delay, attempt.details)


class WebhookTargets:
    """The webhooks as targets of deliveries."""

    def select_targets(self, events: Sequence[NewEvent]) -> Iterable[tuple[NewEvent, str]]:
        """Return the pairs of an event and a webhook whose user may see it."""
        types = {name: found for name in {event.type for event in events} if (found := find_event_type(name))}
        if not types or not Webhook.objects.receiving().exists():
            return []
        permitted = find_permitted_users(types.values())
        user_ids = set().union({event.user_id for event in events if event.user_id}, *permitted.values())
        webhooks = list(Webhook.objects.receiving().filter(user__in=user_ids).order_by("pk"))
        return [
            (event, webhook.target)
            for event in events
            for webhook in webhooks
            if event.type in types
            and event.type in webhook.event_types
            and (webhook.user_id == event.user_id or webhook.user_id in permitted[types[event.type].permission])
        ]

    def open_sink(self, target: str) -> Sink | None:
        """Return the sink of a webhook. If the webhook was deleted, the sink rejects all events."""
        webhook_id = parse_uuid(target.partition(SEPARATOR)[2])
        return WebhookSink(webhook_id=webhook_id) if webhook_id else None


def find_permitted_users(types: Iterable[EventType]) -> dict[str, set[UUID]]:
    """Return the users with webhooks that receive the events of all users, by the permission that allows it."""
    users = User.objects.filter(webhooks__isnull=False)
    permissions = {event_type.permission for event_type in types}
    return {
        name: set(User.objects.with_perm(name, backend=PERMISSION_BACKEND).filter(pk__in=users).values_list("pk", flat=True))
        for name in permissions
    }
