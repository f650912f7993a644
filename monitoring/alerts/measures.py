"""Measure the metrics of alert rules from rollups, the queue of background work, and the disks.

The newest rolled up hour is the end of all windows, so no query reads the predictions of the current hour. Only drift reads
predictions: a bounded sample, once a day.
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet, Sum

from events.models.webhook import TARGET_PREFIX
from events.status import get_event_status
from monitoring.alerts.metrics import MIN_PREDICTIONS
from monitoring.drift.report import build_drift_report
from monitoring.models import RolledPeriod, Rollup
from monitoring.tally import ROLLUP_COLUMNS, Tally
from monitoring.windows import DAY, HOUR, Window
from predictions.queue_status import get_queue_status
from registry.models import ModelVersion
from registry.querysets import PRODUCTION

WEEK = 7 * DAY
MAX_ROLLUP_AGE = 6 * HOUR

Values = dict[UUID | None, float]
"""Values by the id of the model, or by None for the site. A model without enough data has no value."""


def find_rolled_end(now: datetime) -> datetime | None:
    """Return the end of the newest hour that is rolled up, or None if there is none of the last hours.

    After a long pause of the server, older hours are no reason for an alert.
    """
    recent = RolledPeriod.objects.filter(hours=1, start__gte=now - MAX_ROLLUP_AGE)
    newest = recent.order_by("-start").values_list("start", flat=True).first()
    return newest + HOUR if newest else None


def measure_failure_rate(end: datetime) -> Values:
    rows = _filter_hours(end - HOUR, end).values_list("model_version__model", "counts__status")
    totals: dict[UUID, Tally] = defaultdict(Tally)
    for model, statuses in rows:
        totals[model].counts["status"].update(statuses)
    return {
        model: tally.get_share("failed") or 0.0 for model, tally in totals.items() if tally.predictions >= MIN_PREDICTIONS
    }


def measure_latency(end: datetime) -> Values:
    """Return the 95th percentiles in milliseconds."""
    totals: dict[UUID, Tally] = defaultdict(Tally)
    for row in _filter_hours(end - HOUR, end).values("model_version__model", *ROLLUP_COLUMNS):
        totals[row["model_version__model"]].add(Tally.from_columns(row))
    values: Values = {}
    for model, tally in totals.items():
        (quantile,) = tally.compute_latency_quantiles(0.95)
        if quantile is not None and sum(map(len, tally.latencies)) >= MIN_PREDICTIONS:
            values[model] = quantile
    return values


def measure_volume(end: datetime) -> Values:
    """Return the predictions of 24 hours as a share of those one week earlier. Both days must be rolled up completely."""
    if not all(_is_complete(until - DAY, until) for until in (end, end - WEEK)):
        return {}
    current, earlier = (_count_predictions(until - DAY, until) for until in (end, end - WEEK))
    return {model: current.get(model, 0) / count for model, count in earlier.items() if count >= MIN_PREDICTIONS}


def measure_confidence_drop(end: datetime) -> Values:
    """Return by how much the mean confidence of 24 hours is lower than that of the 7 days before. A rise counts as 0."""
    current, earlier = _average_confidence(end - DAY, end), _average_confidence(end - DAY - WEEK, end - DAY)
    return {model: max(0.0, earlier[model] - mean) for model, mean in current.items() if model in earlier}


def measure_drift(end: datetime) -> Values:
    """Return the share of drifted fields of each version in production."""
    window = Window(end - WEEK, end, DAY, 7)
    versions = ModelVersion.objects.filter(aliases__name=PRODUCTION).select_related("model")
    values: Values = {}
    for version in versions:
        report = build_drift_report(version, window)
        compared = len(report.drifted) + len(report.unchanged)
        if compared:
            values[version.model_id] = len(report.drifted) / compared
    return values


def measure_backlog(end: datetime) -> Values:
    """Return the age in seconds of the oldest work that waits, or 0."""
    queue = get_queue_status(now=end)
    return {None: max(length.oldest_seconds or 0.0 for length in (queue.predictions, queue.batch_jobs))}


def measure_event_lag(end: datetime) -> Values:
    """Return the age in seconds of the oldest pending event, or 0. The webhook of a user may be out of order for days."""
    status = get_event_status(now=end)
    targets = [status.new, *(target for target in status.targets if target.name != TARGET_PREFIX)]
    return {None: max(target.lag_seconds for target in targets)}


def measure_disk(end: datetime) -> Values:
    """Return the free share of the disk with the smaller one. A disk that cannot be read has no value."""
    shares = list(_iterate_free_shares(Path(settings.MEDIA_ROOT), Path(settings.VAR_DIR)))
    return {None: min(shares)} if shares else {}


MEASURES: dict[str, Callable[[datetime], Values]] = {
    "failure_rate": measure_failure_rate,
    "latency": measure_latency,
    "volume": measure_volume,
    "confidence": measure_confidence_drop,
    "drift": measure_drift,
    "backlog": measure_backlog,
    "event_lag": measure_event_lag,
    "disk": measure_disk,
}


def _filter_hours(start: datetime, end: datetime) -> QuerySet[Any]:
    return Rollup.objects.filter(period__hours=1, period__start__gte=start, period__start__lt=end)


def _is_complete(start: datetime, end: datetime) -> bool:
    return RolledPeriod.objects.filter(hours=1, start__gte=start, start__lt=end).count() == (end - start) // HOUR


def _count_predictions(start: datetime, end: datetime) -> dict[UUID, int]:
    counts: dict[UUID, int] = defaultdict(int)
    for model, statuses in _filter_hours(start, end).values_list("model_version__model", "counts__status"):
        counts[model] += sum(statuses.values())
    return counts


def _average_confidence(start: datetime, end: datetime) -> dict[UUID, float]:
    rows = _filter_hours(start, end).values_list("model_version__model").annotate(Sum("confidences"), Sum("confidence_sum"))
    return {model: total / count for model, count, total in rows.order_by() if count >= MIN_PREDICTIONS}


def _iterate_free_shares(*folders: Path) -> Iterator[float]:
    for folder in folders:
        try:
            usage = shutil.disk_usage(next(path for path in (folder, *folder.parents) if path.exists()))
        except OSError:
            continue
        yield usage.free / usage.total


def get_slot(end: datetime, interval: timedelta) -> datetime:
    """Return the start of the interval that contains a time. Intervals start at midnight UTC."""
    midnight = end.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + (end - midnight) // interval * interval
