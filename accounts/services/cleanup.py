"""Delete what has expired: sessions, records of sign-ins, and counts of attempts."""

from __future__ import annotations

from datetime import timedelta

from axes.models import AccessAttempt, AccessLog
from django.contrib.sessions.models import Session
from django.utils import timezone

from accounts.models import AttemptCount
from accounts.services.attempts import PERIOD
from accounts.services.lockout import FORGET_AFTER

LOG_DAYS = 90


def delete_expired() -> None:
    """Delete expired sessions, old wrong passwords and counts, and records of sign-ins that are older than 90 days."""
    now = timezone.now()
    Session.objects.filter(expire_date__lt=now).delete()
    AccessAttempt.objects.filter(attempt_time__lt=now - FORGET_AFTER).delete()
    AccessLog.objects.filter(attempt_time__lt=now - timedelta(days=LOG_DAYS)).delete()
    AttemptCount.objects.filter(started_at__lt=now - PERIOD).delete()
