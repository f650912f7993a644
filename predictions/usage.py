"""Count how often model versions are used, without scanning whole tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import IntegerField, OuterRef, Subquery

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


class CountSubquery(Subquery):
    """The number of rows of a subquery."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"
    output_field = IntegerField()


def count_usage(versions: Sequence[ModelVersion]) -> dict[UUID, Usage]:
    """Return the usage of versions by primary key, in one query that reads the index on version and id."""
    newest = Prediction.objects.filter(model_version=OuterRef("pk")).order_by("-id")
    rows = (
        ModelVersion.objects.filter(pk__in=[version.pk for version in versions])
        .annotate(
            usage_count=CountSubquery(newest.values("pk")[:MAX_COUNTED_PREDICTIONS]),
            used_at=Subquery(newest.values("created_at")[:1]),
        )
        .values_list("pk", "usage_count", "used_at")
    )
    return {pk: Usage(count, last) for pk, count, last in rows}
