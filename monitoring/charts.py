"""Charts of the operations page: data for uPlot, and the same data as tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from core.formatting import NOT_AVAILABLE, format_count, format_milliseconds, format_percent
from monitoring.types import Bucket, OperationsMetrics
from monitoring.windows import HOUR
from registry.models import ModelVersion

MAX_SERIES = 6  # per chart, to stay readable

Series = tuple[str, list[float | None]]
"""A name, and a value per bucket."""

FORMATS: dict[str, Callable[[Any], str]] = {
    "count": lambda value: format_count(int(value)),
    "milliseconds": format_milliseconds,
    "share": format_percent,
}


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart with its data.

    Args:
        kind: `bars` (stacked) or `lines`.
        unit: `count`, `milliseconds` or `share`.
        rows: the data as a table: the time of each bucket, and its formatted values.
    """

    id: str
    title: str
    kind: str
    unit: str
    series: list[Series]
    rows: list[tuple[str, list[str]]]

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.series]

    @property
    def is_empty(self) -> bool:
        return not any(value for _, values in self.series for value in values)


def build_charts(metrics: OperationsMetrics, versions: Sequence[ModelVersion]) -> list[Chart]:
    """Return the charts that have data. The last one shows labels or, if the versions belong to several models, versions."""
    charts = [
        _build_chart(metrics, "volume", _count_outcomes(metrics), title="Predictions", kind="bars", unit="count"),
        _build_chart(metrics, "latency", _list_latencies(metrics), title="Latency", kind="lines", unit="milliseconds"),
        _build_chart(metrics, "confidence", _list_confidence(metrics), title="Mean confidence", kind="lines", unit="share"),
    ]
    if have_same_model(versions):
        labels = _list_label_shares(metrics)
        charts.append(_build_chart(metrics, "labels", labels, title="Predictions by label", kind="lines", unit="share"))
    else:
        counts = _count_by_version(metrics, versions)
        charts.append(_build_chart(metrics, "versions", counts, title="Predictions by version", kind="lines", unit="count"))
    return [chart for chart in charts if not chart.is_empty]


def build_chart_data(charts: Sequence[Chart], metrics: OperationsMetrics) -> dict[str, Any]:
    """Return the JSON that `operations.js` draws. Times are in seconds since 1970."""
    return {
        "step": "hour" if metrics.window.step == HOUR else "day",
        "times": [int(bucket.start.timestamp()) for bucket in metrics.buckets],
        "charts": [
            {
                "id": chart.id,
                "kind": chart.kind,
                "unit": chart.unit,
                "names": chart.names,
                "values": [values for _, values in chart.series],
            }
            for chart in charts
        ],
    }


def have_same_model(versions: Sequence[ModelVersion]) -> bool:
    """Return whether all versions belong to one model, so that their labels can be counted together."""
    return len({version.model_id for version in versions}) <= 1


def _build_chart(
    metrics: OperationsMetrics, chart_id: str, series: list[Series], *, title: str, kind: str, unit: str
) -> Chart:
    format_number = FORMATS[unit]
    rows = [
        (
            _format_time(bucket, metrics),
            [NOT_AVAILABLE if values[index] is None else format_number(values[index]) for _, values in series],
        )
        for index, bucket in enumerate(metrics.buckets)
    ]
    return Chart(chart_id, title, kind, unit, series, rows)


def _format_time(bucket: Bucket, metrics: OperationsMetrics) -> str:
    return f"{bucket.start:%-d %b %H:%M}" if metrics.window.step == HOUR else f"{bucket.start:%a %-d %b}"


def _count_outcomes(metrics: OperationsMetrics) -> list[Series]:
    counters = [bucket.tally.counts["status"] for bucket in metrics.buckets]
    succeeded: list[float | None] = [counter["succeeded"] for counter in counters]
    failed: list[float | None] = [counter["failed"] for counter in counters]
    other: list[float | None] = [counter.total() - counter["succeeded"] - counter["failed"] for counter in counters]
    series = [("succeeded", succeeded), ("failed", failed)]
    return [*series, ("queued, running, or canceled", other)] if any(other) else series


def _list_latencies(metrics: OperationsMetrics) -> list[Series]:
    return [
        ("median", [bucket.p50 for bucket in metrics.buckets]),
        ("95th percentile", [bucket.p95 for bucket in metrics.buckets]),
        ("99th percentile", [bucket.p99 for bucket in metrics.buckets]),
    ]


def _list_confidence(metrics: OperationsMetrics) -> list[Series]:
    return [("mean confidence", [bucket.tally.mean_confidence for bucket in metrics.buckets])]


def _list_label_shares(metrics: OperationsMetrics) -> list[Series]:
    """Return the shares of the most frequent labels."""
    names = [row.name for row in metrics.labels[:MAX_SERIES]]
    counters = [bucket.tally.counts["label"] for bucket in metrics.buckets]
    return [(name, [counter[name] / counter.total() if counter else None for counter in counters]) for name in names]


def _count_by_version(metrics: OperationsMetrics, versions: Sequence[ModelVersion]) -> list[Series]:
    return [(str(version), [bucket.versions[version.pk] for bucket in metrics.buckets]) for version in versions[:MAX_SERIES]]
