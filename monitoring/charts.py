"""Charts of the operations page: data for uPlot, and the same data as tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext

from core.formatting import (
    NOT_AVAILABLE,
    format_count,
    format_day,
    format_milliseconds,
    format_percent,
    format_zone,
    localize_number,
)
from monitoring.drift.statistics import MIN_DRIFT_DISTANCE
from monitoring.drift.trend import Trend
from monitoring.markers import Marker
from monitoring.types import OperationsMetrics
from monitoring.windows import HOUR, Window
from registry.models import ModelVersion

MAX_PANELS = 12  # per chart, to stay readable

Series = tuple[str, list[float | None]]
"""A name, and a value per bucket."""

FORMATS: dict[str, Callable[[Any], str]] = {
    "count": lambda value: format_count(int(value)),
    "milliseconds": format_milliseconds,
    "share": format_percent,
    "distance": lambda value: localize_number(f"{value:.2f}"),
}


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart with its data.

    Args:
        kind: `bars` (stacked) or `lines`.
        unit: `count`, `milliseconds`, `share`, or `distance`.
        rows: the data as a table: a time, and its formatted values.
        is_split: each series has a small chart of its own, all with the same axes.
        note: a sentence about the series, or an empty string.
        times: of the values, if they are not those of the buckets.
        threshold: a value to mark with a line.
    """

    id: str
    title: str
    kind: str
    unit: str
    series: list[Series]
    rows: list[tuple[str, list[str]]]
    is_split: bool = False
    note: str = ""
    times: list[datetime] = field(default_factory=list)
    threshold: float | None = None

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.series]

    @property
    def is_empty(self) -> bool:
        return not any(value for _, values in self.series for value in values)


def build_charts(metrics: OperationsMetrics, versions: Sequence[ModelVersion]) -> list[Chart]:
    """Return the charts that have data. The last one shows labels or, if the versions belong to several models, versions."""
    window = metrics.window
    charts = [
        _build_chart(window, "volume", _count_outcomes(metrics), title=gettext("Predictions"), kind="bars", unit="count"),
        _build_chart(window, "latency", _list_latencies(metrics), title=gettext("Latency"), unit="milliseconds"),
        _build_chart(window, "confidence", _list_confidence(metrics), title=gettext("Mean confidence"), unit="share"),
    ]
    if have_same_model(versions):
        labels, title = _list_label_shares(metrics), gettext("Predictions by label")
        note = _describe_panels(len(labels), len(metrics.labels))
        charts.append(_build_chart(window, "labels", labels, title=title, unit="share", is_split=True, note=note))
    else:
        counts, title = _count_by_version(metrics, versions), gettext("Predictions by version")
        note = _describe_panels(len(counts), len(versions))
        charts.append(
            _build_chart(window, "versions", counts, title=title, kind="bars", unit="count", is_split=True, note=note)
        )
    return [chart for chart in charts if not chart.is_empty]


def build_trend_chart(trends: Sequence[Trend], window: Window) -> Chart | None:
    """Return the chart of the trends of drift, or None if there are none."""
    if not trends:
        return None
    series: list[Series] = [(trend.column.display_name, trend.distances) for trend in trends]
    return _build_chart(
        window,
        "drift",
        series,
        title=gettext("Distance from the reference window"),
        unit="distance",
        is_split=True,
        times=trends[0].times,
        threshold=MIN_DRIFT_DISTANCE,
    )


def build_chart_data(charts: Sequence[Chart], window: Window, markers: Sequence[Marker]) -> dict[str, Any]:
    """Return the JSON that `operations.js` draws. Times are in seconds since 1970."""
    return {
        "step": "hour" if window.step == HOUR else "day",
        "time_title": _format_time_title(window),
        "times": _list_seconds(window.buckets),
        "markers": [
            {"time": int(marker.time.timestamp()), "kind": marker.kind, "label": marker.label} for marker in markers
        ],
        "charts": [
            {
                "id": chart.id,
                "kind": chart.kind,
                "unit": chart.unit,
                "split": chart.is_split,
                "names": chart.names,
                "values": [values for _, values in chart.series],
                "threshold": chart.threshold,
                **({"times": _list_seconds(chart.times)} if chart.times else {}),
            }
            for chart in charts
        ],
    }


def _format_time_title(window: Window) -> str:
    """Return the name of the buckets with their zone: hours are in the reader's time zone, and days are those of UTC."""
    if window.step != HOUR:
        return gettext("Day (UTC)")
    return gettext("Hour (%(zone)s)") % {"zone": format_zone(timezone.localtime(window.end))}


def have_same_model(versions: Sequence[ModelVersion]) -> bool:
    """Return whether all versions belong to one model, so that their labels can be counted together."""
    return len({version.model_id for version in versions}) <= 1


def _list_seconds(times: Iterable[datetime]) -> list[int]:
    return [int(time.timestamp()) for time in times]


def _build_chart(
    window: Window,
    chart_id: str,
    series: list[Series],
    *,
    title: str,
    unit: str,
    kind: str = "lines",
    **options: Any,
) -> Chart:
    """Build a chart with its table. `options` are other arguments of `Chart`."""
    format_number = FORMATS[unit]
    times = options.get("times") or window.buckets
    rows = [
        (
            _format_time(time, window),
            [NOT_AVAILABLE if values[index] is None else format_number(values[index]) for _, values in series],
        )
        for index, time in enumerate(times)
    ]
    return Chart(chart_id, title, kind, unit, series, rows, **options)


def _describe_panels(shown: int, total: int) -> str:
    if shown == total:
        return ""
    text = gettext("Showing the first %(shown)s of %(total)s.")
    return text % {"shown": format_count(shown), "total": format_count(total)}


def _format_time(time: datetime, window: Window) -> str:
    """Return a bucket: an hour in the reader's time zone, or a UTC day."""
    if window.step != HOUR:
        return f"{date_format(time, 'D')} {format_day(time)}"
    local = timezone.localtime(time)
    return f"{format_day(local)} {date_format(local, 'TIME_FORMAT')}"


def _count_outcomes(metrics: OperationsMetrics) -> list[Series]:
    counters = [bucket.tally.counts["status"] for bucket in metrics.buckets]
    succeeded: list[float | None] = [counter["succeeded"] for counter in counters]
    failed: list[float | None] = [counter["failed"] for counter in counters]
    other: list[float | None] = [counter.total() - counter["succeeded"] - counter["failed"] for counter in counters]
    series = [(gettext("succeeded"), succeeded), (gettext("failed"), failed)]
    return [*series, (gettext("queued, running, or canceled"), other)] if any(other) else series


def _list_latencies(metrics: OperationsMetrics) -> list[Series]:
    return [
        (gettext("median"), [bucket.p50 for bucket in metrics.buckets]),
        (gettext("95th percentile"), [bucket.p95 for bucket in metrics.buckets]),
        (gettext("99th percentile"), [bucket.p99 for bucket in metrics.buckets]),
    ]


def _list_confidence(metrics: OperationsMetrics) -> list[Series]:
    return [(gettext("mean confidence"), [bucket.tally.mean_confidence for bucket in metrics.buckets])]


def _list_label_shares(metrics: OperationsMetrics) -> list[Series]:
    """Return the shares of the most frequent labels."""
    names = [row.name for row in metrics.labels[:MAX_PANELS]]
    counters = [bucket.tally.counts["label"] for bucket in metrics.buckets]
    return [(name, [counter[name] / counter.total() if counter else None for counter in counters]) for name in names]


def _count_by_version(metrics: OperationsMetrics, versions: Sequence[ModelVersion]) -> list[Series]:
    return [(str(version), [bucket.versions[version.pk] for bucket in metrics.buckets]) for version in versions[:MAX_PANELS]]
