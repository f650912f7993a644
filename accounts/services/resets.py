"""Send links to set a new password.

The request only enqueues a task. The task does the same work whether an account has the address or not, except for the
delivery, so that response times do not reveal who has an account.
"""

from __future__ import annotations

import logging
from smtplib import SMTPException

from django.conf import settings
from django.contrib.auth.forms import PasswordResetForm
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from accounts.models import User
from accounts.services.attempts import count_attempt
from core.tasks import enqueue
from core.urls import find_public_url

logger = logging.getLogger(__name__)

RESET_TASK = "accounts.send_password_reset"
MAX_EMAILS_PER_HOUR = 5  # per address; further ones are not sent


def request_password_reset(*, email: str) -> None:
    """Send a link to the accounts with an address in the background. If the server stops before, no email is sent."""
    enqueue(RESET_TASK, email)


def send_password_reset(*, email: str) -> None:
    """Send a link to each active account with an address. Do nothing if the URL of the site is not configured."""
    site_url = find_public_url()
    if site_url is None or count_attempt(kind="reset-email", key=email.lower(), limit=MAX_EMAILS_PER_HOUR):
        return
    users = list(PasswordResetForm().get_users(email))
    for user in users:
        try:
            build_reset_email(user=user, site_url=site_url).send()
        except (OSError, SMTPException) as error:
            logger.error("the email with a reset link was not sent: %s", error, extra={"user": str(user.pk)})
    if not users:
        build_reset_email(user=User(username=email, email=email), site_url=site_url)


def build_reset_email(*, user: User, site_url: str) -> EmailMessage:
    """Return the email with the link in the language of the user, addressed to the stored address."""
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    token = default_token_generator.make_token(user)
    path = reverse("accounts:password_reset_confirm", kwargs={"uidb64": uid, "token": token})
    context = {"user": user, "site_url": site_url, "link": site_url + path}
    with translation.override(user.language or settings.LANGUAGE_CODE):
        subject = " ".join(render_to_string("accounts/password_reset_subject.txt", context).split())
        body = render_to_string("accounts/password_reset_email.txt", context)
    return EmailMessage(subject, body, to=[user.email])
