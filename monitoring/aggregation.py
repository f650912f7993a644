"""Count rows of the predictions table by hour and model version, in three queries."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import numpy as np
from django.db.models import Aggregate, Count, F, Field, Q, QuerySet, Sum
from django.db.models.functions import TruncHour

from monitoring.tally import Tallies, Tally
from predictions.models import Prediction
from registry.models import MULTI_LABEL_TASKS

TimeRange = tuple[datetime, datetime]
"""Start (included) and end (excluded)."""

CHUNK_ROWS = 20_000
GROUP_FIELDS = ("hour", "model_version", "status", "error_code", "label", "user")


class UtcHour(TruncHour):
    """The start of the hour of a time, in UTC.

    SQLite stores times as text in UTC. Django would call Python for each row, which takes most of the time of a query.
    """

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        sql, parameters = compiler.compile(self.lhs)
        return f"(SUBSTR({sql}, 1, 13) || ':00:00')", parameters


class NumberList(Aggregate):
    """The numbers of a group, in any order: a list in PostgreSQL, and a text with commas and 15 digits in SQLite.

    A row for each number would take four times as long, because Django converts the hour and the version of each.
    """

    function = "ARRAY_AGG"
    output_field = Field()  # without a conversion

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, function="GROUP_CONCAT", **context)


def count_predictions(ranges: Sequence[TimeRange], *, versions: Sequence[UUID] | None = None) -> Tallies:
    """Count the predictions that were created in the given time ranges, by hour.

    Latencies are in whole microseconds, the precision of the columns that they are summed from. A prediction of a
    multi-label model counts once for each of its labels.
    """
    tallies: Tallies = defaultdict(Tally)
    if not ranges:
        return tallies
    rows = _filter_predictions(ranges, versions)
    groups = rows.values_list(*GROUP_FIELDS).annotate(
        Count("pk"), Count("confidence"), Sum("confidence"), Sum("input__size")
    )
    for hour, version, *columns in groups:
        tallies[hour, version].add(_build_tally(*columns))
    for hour, version, labels in _read_label_lists(rows):
        tallies[hour, version].counts["label"].update(labels)
    for hour, version, milliseconds in _read_latencies(rows):
        tallies[hour, version].latencies.append(np.sort(np.rint(milliseconds * 1000).astype(np.int64)))
    return tallies


def _filter_predictions(ranges: Sequence[TimeRange], versions: Sequence[UUID] | None) -> QuerySet:
    condition = Q()
    for start, end in ranges:
        condition |= Q(created_at__gte=start, created_at__lt=end)
    rows = Prediction.objects.filter(condition)
    if versions is not None:
        rows = rows.filter(model_version__in=versions)
    return rows.order_by().annotate(hour=UtcHour("created_at", tzinfo=UTC))


def _build_tally(status: str, error: str, label: str, user: UUID | None, *sums: Any) -> Tally:
    predictions, confidences, confidence_sum, input_bytes = sums
    keys = {"status": status, "error": error, "label": label}
    counts = {name: Counter({key: predictions} if key else {}) for name, key in keys.items()}
    counts["user"] = Counter({str(user or ""): predictions})
    return Tally(counts, confidences, confidence_sum or 0.0, input_bytes)


def _read_label_lists(rows: QuerySet) -> Iterator[tuple[datetime, UUID, list[str]]]:
    """Yield the hour, the version, and the predicted labels of each prediction of a multi-label model."""
    succeeded = rows.filter(model_version__model__task__in=MULTI_LABEL_TASKS, status=Prediction.Status.SUCCEEDED)
    values = succeeded.values_list("hour", "model_version", "output__labels")
    for hour, version, labels in values.iterator(chunk_size=CHUNK_ROWS):
        yield hour, version, labels or []


def _read_latencies(rows: QuerySet) -> Iterator[tuple[datetime, UUID, np.ndarray]]:
    """Yield the hour, the version, and the latencies in milliseconds, without those that are unknown."""
    latency = F("preprocess_ms") + F("queue_ms") + F("inference_ms")
    complete = rows.annotate(latency=latency).filter(latency__isnull=False)
    for hour, version, values in complete.values_list("hour", "model_version").annotate(values=NumberList(latency)):
        yield hour, version, np.array(values.split(",") if isinstance(values, str) else values, np.float64)
