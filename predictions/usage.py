"""Count how often a model version is used, without counting a whole table."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max

from predictions.models import Prediction
from registry.models import ModelVersion

MAX_COUNTED_PREDICTIONS = 1000


@dataclass(frozen=True, slots=True)
class Usage:
    """The number of predictions of a version, counted up to `MAX_COUNTED_PREDICTIONS`, and the time of the last one."""

    count: int
    last: datetime | None

    def __str__(self) -> str:
        if self.count >= MAX_COUNTED_PREDICTIONS:
            return f"{MAX_COUNTED_PREDICTIONS:,}+ times"
        return "once" if self.count == 1 else f"{self.count:,} times"


def count_usage(version: ModelVersion) -> Usage:
    """Return the usage of a version, read from the index on version and id."""
    newest = Prediction.objects.filter(model_version=version).order_by("-id")[:MAX_COUNTED_PREDICTIONS]
    totals = newest.aggregate(count=Count("pk"), last=Max("created_at"))
    return Usage(totals["count"], totals["last"])
