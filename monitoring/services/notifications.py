"""Queue notifications about alerts, and send them: a job sends what is stored, so that nothing is lost or waited for."""

from __future__ import annotations

import logging
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from core.leases import build_lost_condition, claim_row, filter_leased
from monitoring.alerts.channels import DeliveryError, deliver, list_channels
from monitoring.alerts.digest import count_day, list_open_alerts, list_resolved_alerts
from monitoring.alerts.messages import Message, build_digest, build_test_message
from monitoring.models import Alert, AlertNotification
from monitoring.windows import DAY

logger = logging.getLogger(__name__)

MAX_SENT_PER_RUN = 50
FIRST_DELAY, MAX_DELAY = timedelta(minutes=1), timedelta(hours=1)
MAX_AGE = 3 * DAY  # then a notification that could not be sent fails
NOTIFICATION_DAYS, ALERT_DAYS = 90, 730  # for which sent notifications and resolved alerts are stored
MAX_ERROR_CHARACTERS = 250

Status = AlertNotification.Status


def queue_notification(
    *, kind: AlertNotification.Kind, message: Message, now: datetime, digest_day: date | None = None
) -> list[AlertNotification]:
    """Store a message for each configured channel. The job `send_notifications` sends it after the commit."""
    return AlertNotification.objects.bulk_create(
        [
            AlertNotification(
                kind=kind,
                channel=channel,
                subject=message.subject,
                text=message.text,
                digest_day=digest_day,
                created_at=now,
                send_after=now,
            )
            for channel in list_channels()
        ],
        ignore_conflicts=digest_day is not None,
    )


def queue_test() -> list[AlertNotification]:
    """Store a test notification for each configured channel."""
    message = build_test_message()
    return queue_notification(kind=AlertNotification.Kind.TEST, message=message, now=timezone.now())


def queue_digest(*, now: datetime | None = None) -> None:
    """Store the daily digest if its hour has come and it is not stored yet."""
    now = now or timezone.now()
    channels = list_channels()
    if not 0 <= settings.ALERT_DIGEST_HOUR <= now.hour or not channels:
        return
    stored = AlertNotification.objects.filter(channel__in=channels, digest_day=now.date()).count()
    if stored == len(channels):
        return
    since = now.replace(hour=settings.ALERT_DIGEST_HOUR, minute=0, second=0, microsecond=0) - DAY  # the previous digest
    message = build_digest(list_open_alerts(), list_resolved_alerts(since), count_day(now))
    queue_notification(kind=AlertNotification.Kind.DIGEST, message=message, now=now, digest_day=now.date())


def send_notifications(*, now: datetime | None = None) -> int:
    """Queue the daily digest, send the notifications that are due, and return how many were sent. A periodic job.

    A worker holds the lease of a notification while it sends it. If the worker is killed meanwhile, the notification is sent
    again: it arrives at least once.
    """
    queue_digest(now=now)
    moment = now or timezone.now()
    is_lost = build_lost_condition(now=timezone.now(), lease_seconds=settings.BATCH_JOB_LEASE_SECONDS)
    is_waiting = Q(status=Status.QUEUED) | Q(is_lost, status=Status.RUNNING)
    due = AlertNotification.objects.filter(is_waiting, send_after__lte=moment).order_by("id").values_list("pk", "channel")
    sent, unavailable = 0, set()
    for pk, channel in list(due[:MAX_SENT_PER_RUN]):
        if channel in unavailable:  # the others would wait as long
            continue
        if send_notification(pk=str(pk), now=moment):
            sent += 1
        else:
            unavailable.add(channel)
    return sent


def send_notification(*, pk: str, now: datetime) -> bool:
    """Send one notification unless another worker is sending it. Return whether it was sent.

    After an error it waits: a minute, then twice as long each time, up to an hour. After three days it fails.
    """
    notification = claim_row(AlertNotification.objects.all(), pk)
    if notification is None:
        return False
    try:
        deliver(notification)
    except DeliveryError as error:
        _postpone(notification, str(error), now)
        return False
    filter_leased(notification).update(status=Status.SUCCEEDED, sent_at=now, leased_until=None, error="")
    return True


def _postpone(notification: AlertNotification, error: str, now: datetime) -> None:
    """Let a notification wait for its next attempt, or fail if it is too old."""
    delay = min(FIRST_DELAY * 2 ** min(notification.attempts - 1, 16), MAX_DELAY)
    is_final = now + delay - notification.created_at > MAX_AGE
    filter_leased(notification).update(
        status=Status.FAILED if is_final else Status.QUEUED,
        send_after=now + delay,
        leased_until=None,
        error=error[:MAX_ERROR_CHARACTERS],
    )
    log = logger.error if is_final else logger.warning
    text = "a notification about alerts was not sent%s: %s"
    log(text, "" if is_final else " and is tried again", error, extra={"channel": notification.channel})


def delete_old_alerts(*, now: datetime | None = None) -> None:
    """Delete notifications and resolved alerts that are old. A periodic job."""
    moment = now or timezone.now()
    final = (Status.SUCCEEDED, Status.FAILED)
    AlertNotification.objects.filter(status__in=final, created_at__lt=moment - NOTIFICATION_DAYS * DAY).delete()
    Alert.objects.filter(resolved_at__lt=moment - ALERT_DAYS * DAY).delete()
