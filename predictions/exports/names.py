"""Name the files of an export after the model and the days that its filters select."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.utils import timezone

OTHER_CHARACTERS = re.compile(r"[^a-z0-9-]+")


def build_export_name(*, models: Sequence[str] = (), start: datetime | None = None, end: datetime | None = None) -> str:
    """Return a name such as `digits-2026-11-01-to-2026-11-26`, without an extension, with days in the current time zone.

    Args:
        models: the references that the filter selects. The name contains one, otherwise `predictions`.
        start: the first time of the range. Without it, the name has the last day only.
        end: the first time after the range; None for the current time.
    """
    model = OTHER_CHARACTERS.sub("-", models[0]).strip("-")[:80] if len(models) == 1 else ""
    last = timezone.localtime(end - timedelta(microseconds=1) if end else timezone.now()).date()
    first = timezone.localtime(start).date() if start else last
    days = f"{last:%Y-%m-%d}" if first >= last else f"{first:%Y-%m-%d}-to-{last:%Y-%m-%d}"
    return f"{model or 'predictions'}-{days}"
