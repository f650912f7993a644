"""Rows of the alerts page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.urls import reverse

from core.formatting import format_duration
from monitoring.alerts.metrics import Metric
from monitoring.models import Alert, AlertRule

SPARKLINE_WIDTH, SPARKLINE_HEIGHT, SPARKLINE_MARGIN = 120, 28, 2


@dataclass(frozen=True, slots=True)
class Sparkline:
    """The last values of a metric as the points of SVG lines, and the height of the threshold.

    Args:
        lines: one text of points per run of values without a gap.
    """

    lines: list[str]
    threshold_y: float


@dataclass(frozen=True, slots=True)
class OpenAlertRow:
    """An open alert with its texts. `url` is the operations page of its model."""

    alert: Alert
    metric: Metric
    value: str
    threshold: str
    muted_until: datetime | None
    sparkline: Sparkline | None
    url: str


@dataclass(frozen=True, slots=True)
class ResolvedAlertRow:
    alert: Alert
    worst_value: str
    threshold: str
    duration: str


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A rule with its conditions as texts, such as `at least 10.0%`."""

    rule: AlertRule
    metric: Metric
    opens: str
    resolves: str


def build_open_rows(alerts: Sequence[Alert], now: datetime) -> list[OpenAlertRow]:
    """Return a row per alert. Those that nobody has acknowledged or muted are first."""
    rows = [build_open_row(alert, now) for alert in alerts]
    return sorted(rows, key=lambda row: bool(row.alert.acknowledged_at or row.muted_until))


def build_open_row(alert: Alert, now: datetime) -> OpenAlertRow:
    state, metric = alert.state, alert.metric
    query = urlencode({"window": "24h", "model": state.model.name}) if state.model else ""
    return OpenAlertRow(
        alert=alert,
        metric=metric,
        value=metric.unit.format(alert.value),
        threshold=metric.describe_threshold(alert.threshold),
        muted_until=state.muted_until if state.is_muted(now) else None,
        sparkline=build_sparkline(state.history, alert.threshold),
        url=f"{reverse('monitoring:operations')}{'?' if query else ''}{query}",
    )


def build_resolved_row(alert: Alert) -> ResolvedAlertRow:
    metric = alert.metric
    return ResolvedAlertRow(
        alert=alert,
        worst_value=metric.unit.format(alert.worst_value),
        threshold=metric.describe_threshold(alert.threshold),
        duration=format_duration(((alert.resolved_at or alert.opened_at) - alert.opened_at).total_seconds()),
    )


def build_rule_row(rule: AlertRule) -> RuleRow:
    metric = rule.definition
    return RuleRow(
        rule=rule,
        metric=metric,
        opens=metric.describe_threshold(rule.threshold),
        resolves=metric.describe_resolve_threshold(rule.resolve_threshold),
    )


def build_sparkline(history: Sequence[float | None], threshold: float) -> Sparkline | None:
    """Return the last values as lines, from 0 or the lowest value at the bottom. None with fewer than two values."""
    values = [value for value in history if value is not None]
    if len(values) < 2:
        return None
    low, high = min(0.0, *values), max(threshold, *values) or 1.0
    step = SPARKLINE_WIDTH / (len(history) - 1)

    def get_y(value: float) -> float:
        height = SPARKLINE_HEIGHT - 2 * SPARKLINE_MARGIN
        return round(SPARKLINE_HEIGHT - SPARKLINE_MARGIN - height * (value - low) / (high - low), 1)

    lines: list[list[str]] = [[]]
    for number, value in enumerate(history):
        if value is None:
            lines.append([])
        else:
            lines[-1].append(f"{number * step:.1f},{get_y(value):.1f}")
    return Sparkline([" ".join(line) for line in lines if len(line) > 1], get_y(threshold))
