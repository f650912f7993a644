"""The charts of operations: what uPlot is given, and the table that says the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.formatting import format_count, format_milliseconds, format_percent
from monitoring.metrics import Bucket, Operations
from monitoring.windows import HOUR
from registry.models import ModelVersion

MOST_LINES = 6  # that an eye can follow

Series = tuple[str, list[float | None]]


@dataclass(frozen=True, slots=True)
class Chart:
    """One drawing.

    Args:
        kind: `bars`, which stand on each other, or `lines`.
        unit: `count`, `milliseconds` or `share`.
        rows: the same numbers as a table.
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
    def empty(self) -> bool:
        return not any(value for _, values in self.series for value in values)


WRITTEN: dict[str, Any] = {
    "count": lambda value: format_count(int(value)),
    "milliseconds": format_milliseconds,
    "share": format_percent,
}


def charts_of(figures: Operations, versions: Sequence[ModelVersion]) -> list[Chart]:
    """Return the charts of a window in which these versions were asked: of one model what it answered, of many which."""
    buckets = figures.buckets
    failed = [one.tally.counts["status"]["failed"] for one in buckets]
    others: list[float | None] = [one.tally.predictions - n for one, n in zip(buckets, failed, strict=True)]
    latency: list[Series] = [("median", [one.p50 for one in buckets])]
    latency += [("95th percentile", [one.p95 for one in buckets]), ("99th percentile", [one.p99 for one in buckets])]
    sure: list[Series] = [("mean confidence", [one.tally.mean_confidence for one in buckets])]
    volume: list[Series] = [("answered", others), ("failed", [*failed])]
    found = [
        _chart(figures, volume, id="volume", title="Predictions", kind="bars", unit="count"),
        _chart(figures, latency, id="latency", title="Latency", kind="lines", unit="milliseconds"),
        _chart(figures, sure, id="confidence", title="Mean confidence", kind="lines", unit="share"),
        _chart(figures, _mix(figures), id="labels", title="What was answered", kind="lines", unit="share")
        if are_of_one_model(versions)
        else _chart(
            figures, _asked(figures, versions), id="versions", title="Answers by version", kind="lines", unit="count"
        ),
    ]
    return [one for one in found if not one.empty]


def _chart(figures: Operations, series: list[Series], **named: str) -> Chart:
    columns = [values for _, values in series]
    written = WRITTEN[named["unit"]]
    rows = [
        (moment(bucket, figures), ["–" if values[place] is None else written(values[place]) for values in columns])
        for place, bucket in enumerate(figures.buckets)
    ]
    return Chart(**named, series=series, rows=rows)


def _mix(figures: Operations) -> list[Series]:
    """Return the shares of the most frequent labels over time."""
    names = [row.name for row in figures.labels[:MOST_LINES]]
    counts = [one.tally.counts["label"] for one in figures.buckets]
    return [(name, [one[name] / one.total() if one else None for one in counts]) for name in names]


def _asked(figures: Operations, versions: Sequence[ModelVersion]) -> list[Series]:
    """Return how often each of the versions was asked that were asked most."""
    return [(str(one), [bucket.versions[one.pk] for bucket in figures.buckets]) for one in versions[:MOST_LINES]]


def are_of_one_model(versions: Sequence[ModelVersion]) -> bool:
    """Return whether the labels of all versions may be counted together."""
    return len({one.model_id for one in versions}) <= 1


def moment(bucket: Bucket, figures: Operations) -> str:
    return f"{bucket.start:%-d %b %H:%M}" if figures.window.step == HOUR else f"{bucket.start:%a %-d %b}"


def data_of(charts: list[Chart], figures: Operations) -> dict[str, Any]:
    """Return what the script draws; times in seconds since 1970."""
    return {
        "step": "hour" if figures.window.step == HOUR else "day",
        "times": [int(one.start.timestamp()) for one in figures.buckets],
        "charts": [
            {"id": one.id, "kind": one.kind, "unit": one.unit, "names": one.names, "values": [v for _, v in one.series]}
            for one in charts
        ],
    }
