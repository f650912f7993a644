"""Delete what has expired: sessions, wrong passwords, counts of attempts, and entries of the audit log."""

from __future__ import annotations

from datetime import timedelta

from axes.models import AccessAttempt, AccessLog
from django.contrib.sessions.models import Session
from django.utils import timezone

from accounts.models import AttemptCount
from accounts.services.attempts import PERIOD
from accounts.services.audit import delete_old_entries
from accounts.services.lockout import FORGET_AFTER

LOG_DAYS = 90  # of the table of django-axes, which the audit log has replaced


def delete_expired() -> None:
    """Delete expired sessions, old wrong passwords and counts, and old records of sign-ins and other actions."""
    now = timezone.now()
    Session.objects.filter(expire_date__lt=now).delete()
    AccessAttempt.objects.filter(attempt_time__lt=now - FORGET_AFTER).delete()
    AccessLog.objects.filter(attempt_time__lt=now - timedelta(days=LOG_DAYS)).delete()
    AttemptCount.objects.filter(started_at__lt=now - PERIOD).delete()
    delete_old_entries()
