"""Limit how often something can be done, over all processes: sign-ups and password resets."""

from __future__ import annotations

import hashlib
import math
from datetime import timedelta

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
    now = timezone.now()
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
    with transaction.atomic():
        AttemptCount.objects.get_or_create(kind=kind, key=digest, defaults={"started_at": now})
        row = AttemptCount.objects.select_for_update().get(kind=kind, key=digest)
        if not row.started_at <= now < row.started_at + PERIOD:
            row.started_at, row.count = now, 0
        if row.count >= limit:
            return max(1, math.ceil((row.started_at + PERIOD - now).total_seconds()))
        row.count += 1
        row.save(update_fields=["started_at", "count"])
    return 0
