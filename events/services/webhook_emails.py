"""Notify users by email that their webhooks were disabled. A job does this, so that no relay waits for the mail server."""

from __future__ import annotations

import logging
from datetime import timedelta
from itertools import islice
from smtplib import SMTPDataError, SMTPRecipientsRefused
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.utils import timezone, translation

from accounts.checks import UNDELIVERED
from accounts.preferences import find_time_zone
from accounts.services.attempts import count_attempt, find_wait_seconds
from core.formatting import format_datetime
from core.urls import find_public_url
from events.models import Webhook

logger = logging.getLogger(__name__)

MAX_EMAILS_PER_RUN = 50
MAX_EMAILS = 5  # to one user per hour: nobody has verified the address, and a user can let a webhook be disabled at any time
MAX_AGE = timedelta(days=3)  # of the change, after which an email that could not be sent is dropped


def send_disabled_emails() -> int:
    """Send an email about each disabled webhook whose user has not been notified. Return their number. A periodic job.

    Nothing is sent to inactive users and users without an address, or if the site has no mail server. If the mail server is
    unavailable, or the user has got `MAX_EMAILS` in this hour, a later run tries again. If this process is killed while it
    sends an email, the email is not sent again.
    """
    if settings.EMAIL_BACKEND in UNDELIVERED:
        return 0
    webhooks = Webhook.objects.filter(disabled_at__gt=timezone.now() - MAX_AGE, owner_notified_at=None)
    reachable = webhooks.filter(user__is_active=True).exclude(user__email="").select_related("user")
    count = 0
    allowed = (webhook for webhook in reachable.order_by("disabled_at") if not find_wait_seconds(**_build_limit(webhook)))
    for webhook in islice(allowed, MAX_EMAILS_PER_RUN):
        rows = Webhook.objects.filter(pk=webhook.pk, state=Webhook.State.DISABLED)
        if not rows.filter(owner_notified_at=None).update(owner_notified_at=timezone.now()):
            continue  # the user has resumed it, or another process is sending the email
        try:
            build_disabled_email(webhook).send()
        except (SMTPRecipientsRefused, SMTPDataError, ValueError) as error:  # a second attempt would fail too
            logger.error("the email about a webhook was refused: %s", error, extra={"webhook": str(webhook.pk)})
        except OSError as error:
            rows.update(owner_notified_at=None)
            logger.error("the email about a webhook was not sent: %s", error, extra={"webhook": str(webhook.pk)})
            break
        else:
            count_attempt(**_build_limit(webhook))
            count += 1
    return count


def build_disabled_email(webhook: Webhook) -> EmailMessage:
    """Return the email to the user of a disabled webhook, in the language and the time zone of the user.

    It contains only the host of the URL, because the rest can be a secret.
    """
    user, host, site_url = webhook.user, urlsplit(webhook.url).hostname, find_public_url()
    with translation.override(user.language or settings.LANGUAGE_CODE), timezone.override(find_time_zone(user.time_zone)):
        context = {
            "webhook": webhook,
            "name": f"{webhook.description} ({host})" if webhook.description else host,
            "time": format_datetime(webhook.disabled_at) if webhook.disabled_at else "",
            "site": site_url or "mlsite",
            "link": site_url and site_url + webhook.get_absolute_url(),
        }
        subject = " ".join(render_to_string("events/webhook_disabled_subject.txt", context).split())
        body = render_to_string("events/webhook_disabled_email.txt", context)
    return EmailMessage(subject, body, to=[user.email])


def _build_limit(webhook: Webhook) -> dict[str, Any]:
    """Return the arguments that count the emails to the user of a webhook."""
    return {"kind": "webhook-email", "key": str(webhook.user_id), "limit": MAX_EMAILS}
