"""Where a run of a retention policy continues to check images: after the last one that was checked, by model version."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from predictions.models import RetentionPolicy

RECHECK_AFTER = timedelta(days=30)
STARTED_AT = "started_at"  # key of the time at which the first image was checked


def find_positions(policy: RetentionPolicy, now: datetime) -> dict[str, Any]:
    """Return the positions of a policy, or new ones after `RECHECK_AFTER`, so that all images are checked again.

    The reason why an image stayed can be gone: its review was withdrawn, or the prediction of another model was removed.
    """
    positions: dict[str, Any] = policy.positions
    started_at = positions.get(STARTED_AT)
    is_due = started_at is None or now >= datetime.fromisoformat(started_at) + RECHECK_AFTER
    return {STARTED_AT: now.isoformat()} if is_due else positions
