"""What the alerts page and the daily digest list."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Count

from monitoring.alerts.measures import find_rolled_end
from monitoring.alerts.messages import DigestCounts
from monitoring.alerts.metrics import METRICS
from monitoring.models import Alert, Rollup
from monitoring.windows import DAY

MAX_RESOLVED_ALERTS = 50


def list_open_alerts() -> list[Alert]:
    """Return all open alerts with their states, rules, and models, the newest first."""
    rows = Alert.objects.filter(resolved_at=None).select_related("state__rule__model", "state__model", "acknowledged_by")
    return list(rows.order_by("-id"))


def count_open_alerts() -> dict[str, int]:
    """Count the open alerts by metric. Metrics without alerts have 0."""
    rows = Alert.objects.filter(resolved_at=None).values_list("state__rule__metric").annotate(Count("pk")).order_by()
    return dict.fromkeys(METRICS, 0) | dict(rows)


def list_resolved_alerts(since: datetime) -> list[Alert]:
    """Return the alerts that were resolved after a time, the newest first, at most 50."""
    rows = Alert.objects.filter(resolved_at__gte=since).select_related("state__rule__model", "state__model")
    return list(rows.order_by("-resolved_at")[:MAX_RESOLVED_ALERTS])


def count_day(now: datetime) -> DigestCounts:
    """Count the predictions of the last 24 rolled up hours."""
    end = find_rolled_end(now) or now
    hours = Rollup.objects.filter(period__hours=1, period__start__gte=end - DAY, period__start__lt=end)
    statuses: Iterable[dict[str, int]] = hours.values_list("counts__status", flat=True)
    totals = [(sum(counts.values()), counts.get("failed", 0)) for counts in statuses]
    return DigestCounts(sum(total for total, _ in totals), sum(failed for _, failed in totals))
