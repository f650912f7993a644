"""Email backends for tests. Django's backend for tests counts as a site without a mail server."""

from __future__ import annotations

from collections.abc import Sequence
from smtplib import SMTPRecipientsRefused

from django.core.mail import EmailMessage
from django.core.mail.backends.locmem import EmailBackend


class MemoryBackend(EmailBackend):
    """Add emails to `mail.outbox`, except those to refused@example.org, as a mail server does."""

    def send_messages(self, messages: Sequence[EmailMessage]) -> int:
        for message in messages:
            if "refused@example.org" in message.to:
                raise SMTPRecipientsRefused({"refused@example.org": (550, b"No such user")})
        return super().send_messages(messages)
