"""Predictions counted from the ledger itself, by hour and model version, in two statements."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import numpy as np
from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import TruncHour

from monitoring.tally import Tally
from predictions.models import Prediction

Range = tuple[datetime, datetime]
Cells = dict[tuple[datetime, UUID], Tally]
"""What each version did in a period that begins at that moment."""

AT_ONCE = 20_000  # latencies that are fetched in one go


def count_ledger(ranges: Sequence[Range], *, versions: Sequence[UUID] | None = None) -> Cells:
    """Count the predictions that were created in some ranges of time, each up to its end and without it, by the hour.

    The latency is kept in whole microseconds, as the ledger keeps each part of it.
    """
    cells: Cells = defaultdict(Tally)
    if not ranges:
        return cells
    rows = _rows(ranges, versions)
    for hour, version, *values in _groups(rows):
        cells[hour, version].add(_tally(*values))
    for key, found in _latencies(rows).items():
        cells[key].latencies.append(np.rint(np.array(found) * 1000).astype(np.int64))
    return cells


def _rows(ranges: Sequence[Range], versions: Sequence[UUID] | None) -> QuerySet:
    within = Q()
    for start, end in ranges:
        within |= Q(created_at__gte=start, created_at__lt=end)
    rows = Prediction.objects.filter(within)
    if versions is not None:
        rows = rows.filter(model_version__in=versions)
    return rows.order_by().annotate(hour=TruncHour("created_at", tzinfo=UTC))


def _groups(rows: QuerySet) -> Any:
    kinds = rows.values_list("hour", "model_version", "status", "error_code", "label", "user")
    return kinds.annotate(Count("pk"), Count("confidence"), Sum("confidence"), Sum("input__size"))


def _tally(status: str, error: str, label: str, user: UUID | None, *sums: Any) -> Tally:
    n, confidences, confidence_sum, input_bytes = sums
    keys = {"status": status, "error": error, "label": label}
    counts = {name: Counter({key: n} if key else {}) for name, key in keys.items()}
    return Tally(counts | {"user": Counter({str(user or ""): n})}, confidences, confidence_sum or 0.0, input_bytes)


def _latencies(rows: QuerySet) -> dict[tuple[datetime, UUID], list[float]]:
    took = F("preprocess_ms") + F("queue_ms") + F("inference_ms")
    found: dict[tuple[datetime, UUID], list[float]] = defaultdict(list)
    known = rows.annotate(took=took).filter(took__isnull=False).values_list("hour", "model_version", "took")
    for hour, version, milliseconds in known.iterator(chunk_size=AT_ONCE):
        found[hour, version].append(milliseconds)
    return found
