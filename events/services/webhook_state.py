"""Record whether a webhook accepts events, and disable it if it does not for days."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils import timezone

from events.error_messages import build_error, get_error_columns
from events.models import Delivery, Webhook

logger = logging.getLogger(__name__)

FAILING_PERIOD = timedelta(days=5)  # longer than an event is retried
MIN_FAILURES = 15  # more than one event can have, so that one rejected event does not disable a webhook


def record_success(*, webhook: Webhook) -> None:
    """Record that a webhook has accepted an event."""
    if webhook.failure_count:
        Webhook.objects.filter(pk=webhook.pk).update(failure_count=0, failing_since=None)


def record_failures(*, webhook: Webhook, count: int, error: str) -> None:
    """Record failed attempts after which none succeeded. Disable the webhook if all have failed for days.

    Args:
        error: of the last attempt.
    """
    now = timezone.now()
    Webhook.objects.filter(pk=webhook.pk).update(
        failure_count=F("failure_count") + count, failing_since=Coalesce(F("failing_since"), now)
    )
    failing = Webhook.objects.filter(pk=webhook.pk, failing_since__lte=now - FAILING_PERIOD, failure_count__gte=MIN_FAILURES)
    if failing.exists():
        disable_webhook(webhook=webhook, reason=Webhook.Reason.FAILING, error=error)


def disable_webhook(*, webhook: Webhook, reason: Webhook.Reason, error: str = "") -> bool:
    """Disable a webhook. It gets no new events, and those that wait have failed. The user can resume it.

    The job `send_disabled_emails` notifies the user.

    Args:
        webhook: as it was when the failed request was sent.

    Returns:
        False if it was disabled, resumed, or got another URL meanwhile.
    """
    now = timezone.now()
    with transaction.atomic():
        unchanged = {"url": webhook.url, "resumed_at": webhook.resumed_at, "disabled_at": None}
        changed = Webhook.objects.filter(pk=webhook.pk, **unchanged).update(
            state=Webhook.State.DISABLED,
            disabled_at=now,
            disabled_reason=reason,
            owner_notified_at=None,
            **get_error_columns(error, prefix="disabled_error"),
        )
        if not changed:
            return False
        waiting = Delivery.objects.filter(target=webhook.target, state=Delivery.State.PENDING, lease=None)
        waiting.update(state=Delivery.State.FAILED, ended_at=now, **get_error_columns(build_error("disabled")))
    logger.warning("webhook disabled", extra={"webhook": str(webhook.pk), "reason": str(reason)})
    return True
