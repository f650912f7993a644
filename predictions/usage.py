"""How often a version was asked, without counting a table."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max

from predictions.models import Prediction
from registry.models import ModelVersion

MOST = 1000  # rows that are counted


@dataclass(frozen=True, slots=True)
class Usage:
    """How many predictions a version made, counted up to a bound, and when the last one."""

    count: int
    last: datetime | None

    def __str__(self) -> str:
        return f"{MOST:,} times or more" if self.count >= MOST else "once" if self.count == 1 else f"{self.count:,} times"


def get_usage(version: ModelVersion) -> Usage:
    """Return a version's usage, by the index on version and id."""
    rows = Prediction.objects.filter(model_version=version).order_by("-id")[:MOST]
    found = rows.aggregate(count=Count("pk"), last=Max("created_at"))
    return Usage(found["count"], found["last"])
