"""Metric cards of the operations page, with descriptions of their changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from django.utils.functional import Promise
from django.utils.translation import gettext, pgettext
from django.utils.translation import gettext_lazy as _

from core.formatting import NOT_AVAILABLE, format_bytes, format_count, format_milliseconds, format_percent, localize_number
from monitoring.types import Comparison, OperationsMetrics

MIN_PREDICTIONS = 30  # changes among fewer predictions may be due to chance and are not notable
MIN_NOTABLE_FAILURE_SHARE = 0.1  # notable regardless of the previous share
MIN_TIMES_RATIO = 3  # from this ratio on, "4.2 times as many" instead of a percentage
MAX_TIMES_RATIO = 100  # from this ratio on, "many more" without a number


@dataclass(frozen=True, slots=True)
class MetricFormat:
    """How to write a metric and its change.

    Args:
        up, down: texts of an increase and of a decrease, with the change, the period, and the previous value.
        in_points: the change is in percentage points, not in percent.
        min_change: the smallest notable change: a difference in points, otherwise a ratio in either direction.
        times, many: texts for large increases.
    """

    format: Callable[[float], str]
    up: str | Promise
    down: str | Promise
    in_points: bool = False
    min_change: float = 1.5
    times: str | Promise = ""
    many: str | Promise = ""


COUNT = MetricFormat(
    format=lambda value: format_count(int(value)),
    up=_("%(change)s more than %(period)s (%(previous)s)"),
    down=_("%(change)s fewer than %(period)s (%(previous)s)"),
    times=_("%(change)s times as many as %(period)s (%(previous)s)"),
    many=_("many more than %(period)s (%(previous)s)"),
)
SIZE = MetricFormat(
    format=lambda value: format_bytes(int(value)),
    up=_("%(change)s more than %(period)s (%(previous)s)"),
    down=_("%(change)s less than %(period)s (%(previous)s)"),
    times=_("%(change)s times as much as %(period)s (%(previous)s)"),
    many=_("much more than %(period)s (%(previous)s)"),
)
DURATION = MetricFormat(
    format_milliseconds,
    up=_("%(change)s slower than %(period)s (%(previous)s)"),
    down=_("%(change)s faster than %(period)s (%(previous)s)"),
)
HIGHER_POINTS = _("%(change)s percentage points higher than %(period)s (%(previous)s)")
LOWER_POINTS = _("%(change)s percentage points lower than %(period)s (%(previous)s)")
FAILURE_SHARE = MetricFormat(format_percent, HIGHER_POINTS, LOWER_POINTS, in_points=True, min_change=0.01)
CONFIDENCE = MetricFormat(format_percent, HIGHER_POINTS, LOWER_POINTS, in_points=True, min_change=0.02)


@dataclass(frozen=True, slots=True)
class Card:
    """A metric with its change. `notable` cards are listed at the top of the page.

    Args:
        filters: query parameters of the history that select the predictions behind the metric.
        detail: a sentence about the predictions behind the metric, or an empty string.
    """

    title: str
    value: str
    change: str
    arrow: str = ""
    note: str = ""
    notable: bool = False
    filters: dict[str, str] = field(default_factory=dict)
    detail: str = ""


def build_cards(metrics: OperationsMetrics, *, free_bytes: int | None) -> list[Card]:
    """Return the metric cards of a window.

    Args:
        free_bytes: free space of the disk that stores the inputs, if known.
    """
    current, previous = (int(count or 0) for count in metrics.predictions)
    # Counts need enough predictions in one window only. Otherwise an outage would not be notable.
    has_counts = max(current, previous) >= MIN_PREDICTIONS and previous > 0
    is_comparable = can_compare(metrics)
    has_failures = current >= MIN_PREDICTIONS and (metrics.failed.current or 0) >= MIN_NOTABLE_FAILURE_SHARE
    free_space = gettext("%(size)s free on disk") % {"size": format_bytes(free_bytes)} if free_bytes is not None else ""
    lowest = {} if metrics.confidence.current is None else {"max_confidence": f"{metrics.confidence.current:.4f}"}
    awaiting, failed = metrics.awaiting_review, pgettext("predictions", "Failed")
    cards: list[tuple[str, Comparison, MetricFormat, bool, str, dict[str, str]]] = [
        (gettext("Predictions"), metrics.predictions, COUNT, has_counts, "", {}),
        (failed, metrics.failed, FAILURE_SHARE, is_comparable or has_failures, "", {"status": "failed"}),
        (gettext("Latency, median"), metrics.latency["p50"], DURATION, is_comparable, "", {}),
        (gettext("Latency, 95th percentile"), metrics.latency["p95"], DURATION, is_comparable, "", {}),
        (gettext("Latency, 99th percentile"), metrics.latency["p99"], DURATION, is_comparable, "", {}),
        (gettext("Mean confidence"), metrics.confidence, CONFIDENCE, is_comparable, "", lowest),
        (
            gettext("Awaiting review"),
            awaiting,
            COUNT,
            has_counts,
            gettext("predictions of this period"),
            {"reviewed": "false"},
        ),
        (gettext("Inputs received"), metrics.input_bytes, SIZE, has_counts, free_space, {}),
    ]
    period = metrics.window.previous_text
    return [
        build_card(
            *(title, values, style, period),
            note=note,
            can_be_notable=can_be_notable,
            filters=filters,
            detail=_describe_failures(metrics) if style is FAILURE_SHARE else "",
        )
        for title, values, style, can_be_notable, note, filters in cards
    ]


def can_compare(metrics: OperationsMetrics) -> bool:
    """Return whether both windows have enough predictions to compare shares, means and quantiles."""
    return min(metrics.predictions.current or 0, metrics.predictions.previous or 0) >= MIN_PREDICTIONS


def build_card(
    title: str,
    values: Comparison,
    style: MetricFormat,
    period: str,
    *,
    note: str = "",
    can_be_notable: bool = True,
    filters: dict[str, str] | None = None,
    detail: str = "",
) -> Card:
    return Card(
        title=title,
        value=NOT_AVAILABLE if values.current is None else style.format(values.current),
        change=describe_change(values, style, period),
        arrow=_get_arrow(values, style),
        note=note,
        notable=can_be_notable and _is_notable(values, style),
        filters=filters or {},
        detail=detail,
    )


def _describe_failures(metrics: OperationsMetrics) -> str:
    """Return a sentence about the most frequent error code of the current window, or an empty string."""
    if not metrics.errors or not metrics.errors[0].current:
        return ""
    first, total = metrics.errors[0], sum(row.current for row in metrics.errors)
    values = {"code": first.name, "count": format_count(first.current), "total": format_count(total)}
    return gettext("The most frequent error code is %(code)s (%(count)s of %(total)s).") % values


def describe_change(values: Comparison, style: MetricFormat, period: str) -> str:
    """Return the change since the previous window, such as `12.0% more than in the previous 7 days (1,234)`."""
    current, previous = values
    if previous is None:
        text = gettext("no data %(period)s either") if current is None else gettext("no data %(period)s")
        return text % {"period": period}
    if not (previous or style.in_points):
        text = gettext("none %(period)s") if current else gettext("none %(period)s either")
        return text % {"period": period}
    if current is None:
        return gettext("%(previous)s %(period)s") % {"previous": style.format(previous), "period": period}
    if style.format(current) == style.format(previous):
        return gettext("unchanged")
    text, change = _describe_difference(current, previous, style)
    return text % {"change": change, "period": period, "previous": style.format(previous)}


def _describe_difference(current: float, previous: float, style: MetricFormat) -> tuple[str, str]:
    """Return the text that describes a change, and the change itself."""
    text = str(style.up if current > previous else style.down)
    if style.in_points:
        points = abs(current - previous) * 100
        return text, localize_number("< 0.1" if points < 0.05 else f"{points:.1f}")
    ratio = current / previous
    if style.times and ratio >= MIN_TIMES_RATIO:
        return (str(style.times), localize_number(f"{ratio:,.1f}")) if ratio < MAX_TIMES_RATIO else (str(style.many), "")
    return text, format_percent(abs(ratio - 1))


def _is_notable(values: Comparison, style: MetricFormat) -> bool:
    current, previous = values
    if style is FAILURE_SHARE and (current or 0) >= MIN_NOTABLE_FAILURE_SHARE:
        return True
    if current is None or previous is None:
        return False
    if style.in_points:
        return abs(current - previous) >= style.min_change
    low, high = sorted((current, previous))
    return high >= style.min_change * low and high > 0


def _get_arrow(values: Comparison, style: MetricFormat) -> str:
    current, previous = values
    if current is None or previous is None or not (previous or style.in_points):
        return ""
    if style.format(current) == style.format(previous):
        return ""
    return "↑" if current > previous else "↓"
