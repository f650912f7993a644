"""Metric cards of the operations page, with descriptions of their changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.formatting import NOT_AVAILABLE, format_count, format_milliseconds, format_percent
from inference.messages import format_bytes
from monitoring.types import Comparison, OperationsMetrics

MIN_PREDICTIONS = 30  # changes among fewer predictions may be due to chance and are not notable
MIN_NOTABLE_FAILURE_SHARE = 0.1  # notable regardless of the previous share
MIN_TIMES_RATIO = 3  # from this ratio on, "4.2 times as many" instead of a percentage
MAX_TIMES_RATIO = 100  # from this ratio on, "many more" without a number


@dataclass(frozen=True, slots=True)
class MetricFormat:
    """How to write a metric and its change.

    Args:
        in_points: the change is in percentage points, not in percent.
        min_change: the smallest notable change: a difference in points, otherwise a ratio in either direction.
        times, many: words for large increases.
    """

    format: Callable[[float], str]
    up: str
    down: str
    in_points: bool = False
    min_change: float = 1.5
    times: str = ""
    many: str = ""


COUNT = MetricFormat(
    format=lambda value: format_count(int(value)),
    up="more",
    down="fewer",
    times="times as many as",
    many="many more than",
)
SIZE = MetricFormat(
    format=lambda value: format_bytes(int(value)),
    up="more",
    down="less",
    times="times as much as",
    many="much more than",
)
DURATION = MetricFormat(format_milliseconds, "slower", "faster")
FAILURE_SHARE = MetricFormat(format_percent, "higher", "lower", in_points=True, min_change=0.01)
CONFIDENCE = MetricFormat(format_percent, "higher", "lower", in_points=True, min_change=0.02)


@dataclass(frozen=True, slots=True)
class Card:
    """A metric with its change. `notable` cards are listed at the top of the page."""

    title: str
    value: str
    change: str
    arrow: str = ""
    note: str = ""
    notable: bool = False


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
    free_space = f"{format_bytes(free_bytes)} free on disk" if free_bytes is not None else ""
    cards = [
        ("Predictions", metrics.predictions, COUNT, has_counts, ""),
        ("Failed", metrics.failed, FAILURE_SHARE, is_comparable or has_failures, ""),
        ("Latency, median", metrics.latency["p50"], DURATION, is_comparable, ""),
        ("Latency, 95th percentile", metrics.latency["p95"], DURATION, is_comparable, ""),
        ("Latency, 99th percentile", metrics.latency["p99"], DURATION, is_comparable, ""),
        ("Mean confidence", metrics.confidence, CONFIDENCE, is_comparable, ""),
        ("Awaiting review", metrics.awaiting_review, COUNT, has_counts, "predictions of this period"),
        ("Inputs received", metrics.input_bytes, SIZE, has_counts, free_space),
    ]
    period = f"the previous {metrics.window.duration_text}"
    return [
        build_card(title, values, style, period, note=note, can_be_notable=can_be_notable)
        for title, values, style, can_be_notable, note in cards
    ]


def can_compare(metrics: OperationsMetrics) -> bool:
    """Return whether both windows have enough predictions to compare shares, means and quantiles."""
    return min(metrics.predictions.current or 0, metrics.predictions.previous or 0) >= MIN_PREDICTIONS


def build_card(
    title: str, values: Comparison, style: MetricFormat, period: str, *, note: str = "", can_be_notable: bool = True
) -> Card:
    return Card(
        title=title,
        value=NOT_AVAILABLE if values.current is None else style.format(values.current),
        change=describe_change(values, style, period),
        arrow=_get_arrow(values, style),
        note=note,
        notable=can_be_notable and _is_notable(values, style),
    )


def describe_change(values: Comparison, style: MetricFormat, period: str) -> str:
    """Return the change since the previous window, such as `12.0% more than in the previous 7 days (1,234)`."""
    current, previous = values
    if previous is None:
        return f"no data in {period}{' either' if current is None else ''}"
    if not (previous or style.in_points):
        return f"none in {period}{'' if current else ' either'}"
    if current is None:
        return f"{style.format(previous)} in {period}"
    if style.format(current) == style.format(previous):
        return "unchanged"
    return f"{_describe_difference(current, previous, style)} in {period} ({style.format(previous)})"


def _describe_difference(current: float, previous: float, style: MetricFormat) -> str:
    direction = style.up if current > previous else style.down
    if style.in_points:
        points = abs(current - previous) * 100
        return f"{'< 0.1' if points < 0.05 else f'{points:.1f}'} percentage points {direction} than"
    ratio = current / previous
    if style.times and ratio >= MIN_TIMES_RATIO:
        return f"{ratio:,.1f} {style.times}" if ratio < MAX_TIMES_RATIO else style.many
    return f"{format_percent(abs(ratio - 1))} {direction} than"


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
