"""Limit how often something can be done, over all processes: sign-ups, password resets, wrong codes, test events."""

from __future__ import annotations

import hashlib
import math
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models import AttemptCount

PERIOD = timedelta(hours=1)


def count_attempt(*, kind: str, key: str, limit: int) -> int:
    """Count an attempt, unless the limit of this hour is reached.

    Args:
        kind: what is counted, such as `sign-up`.
        key: who is counted, such as a network. Only its hash is stored.
        limit: attempts per hour.

    Returns:
        0 if the attempt is allowed, or else the seconds after which it will be.
    """
    now, digest = timezone.now(), _hash_key(key)
    with transaction.atomic():
        AttemptCount.objects.get_or_create(kind=kind, key=digest, defaults={"started_at": now})
        row = AttemptCount.objects.select_for_update().get(kind=kind, key=digest)
        if not _is_current(row, now):
            row.started_at, row.count = now, 0
        if row.count >= limit:
            return _compute_wait(row, now)
        row.count += 1
        row.save(update_fields=["started_at", "count"])
    return 0


def find_wait_seconds(*, kind: str, key: str, limit: int) -> int:
    """Return the seconds until the next attempt is allowed, or 0 if it is allowed now. This does not count as an attempt."""
    now = timezone.now()
    row = AttemptCount.objects.filter(kind=kind, key=_hash_key(key)).first()
    return _compute_wait(row, now) if row and row.count >= limit and _is_current(row, now) else 0


def forget_attempts(*, kind: str, key: str) -> None:
    """Set a count to zero."""
    AttemptCount.objects.filter(kind=kind, key=_hash_key(key)).delete()


def forget_all_attempts(*, key: str) -> None:
    """Delete the counts of all kinds for a key."""
    AttemptCount.objects.filter(key=_hash_key(key)).delete()


def _hash_key(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def _is_current(row: AttemptCount, now: datetime) -> bool:
    return row.started_at <= now < row.started_at + PERIOD


def _compute_wait(row: AttemptCount, now: datetime) -> int:
    return max(1, math.ceil((row.started_at + PERIOD - now).total_seconds()))
