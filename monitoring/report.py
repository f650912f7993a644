"""Build the metrics of a window from rollups, the predictions table, and reviews."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from monitoring.busiest_users import compare_users
from monitoring.rollup_reader import read_tallies
from monitoring.tally import Tallies, Tally, sum_tallies
from monitoring.types import Bucket, Comparison, CountRow, OperationsMetrics
from monitoring.windows import Window
from predictions.summary_sql import count_reviewed

LATENCY_QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


def build_report(window: Window, *, versions: Sequence[UUID] | None = None) -> OperationsMetrics:
    """Build the metrics of a window in a fixed number of queries.

    Args:
        versions: ids of the model versions to include. None: all.
    """
    tallies = read_tallies(window, versions=versions)
    current, previous = (_sum_window(tallies, part) for part in (window, window.previous))
    awaiting_review = [
        tally.counts["status"]["succeeded"] - _count_reviewed(part, versions)
        for tally, part in ((current, window), (previous, window.previous))
    ]
    return OperationsMetrics(
        window=window,
        predictions=Comparison(current.predictions, previous.predictions),
        failed=Comparison(current.get_share("failed"), previous.get_share("failed")),
        latency=_compare_latencies(current, previous),
        confidence=Comparison(current.mean_confidence, previous.mean_confidence),
        awaiting_review=Comparison(*awaiting_review),
        input_bytes=Comparison(current.input_bytes, previous.input_bytes),
        errors=compare_counts(current.counts["error"], previous.counts["error"]),
        labels=compare_counts(current.counts["label"], previous.counts["label"]),
        users=compare_users(current, previous),
        versions=_compare_versions(tallies, window),
        buckets=_build_buckets(tallies, window),
    )


def compare_counts(current: Counter[str], previous: Counter[str]) -> list[CountRow]:
    """Return a row per name in either counter, the most frequent in the current one first."""
    names = sorted({*current, *previous}, key=lambda name: (-current[name], -previous[name], name))
    totals = current.total(), previous.total()
    return [
        CountRow(
            name,
            current[name],
            previous[name],
            current[name] / totals[0] if totals[0] else None,
            previous[name] / totals[1] if totals[1] else None,
        )
        for name in names
    ]


def _sum_window(tallies: Tallies, window: Window) -> Tally:
    return sum_tallies(tally for (start, _), tally in tallies.items() if window.contains(start))


def _compare_latencies(current: Tally, previous: Tally) -> dict[str, Comparison]:
    shares = LATENCY_QUANTILES.values()
    quantiles = (tally.compute_latency_quantiles(*shares) for tally in (current, previous))
    return {name: Comparison(*pair) for name, *pair in zip(LATENCY_QUANTILES, *quantiles, strict=True)}


def _count_reviewed(window: Window, versions: Sequence[UUID] | None) -> int:
    """Return the number of predictions of a window that have a review."""
    filters: dict[str, Any] = {"created_at__gte": window.start, "created_at__lt": window.end}
    if versions is not None:
        if not versions:  # Django compiles no query for an empty list
            return 0
        filters["model_version__in"] = versions
    return count_reviewed(**filters)


def _compare_versions(tallies: Tallies, window: Window) -> dict[UUID, Comparison]:
    counts: dict[UUID, list[int]] = defaultdict(lambda: [0, 0])
    for (start, version), tally in tallies.items():
        counts[version][0 if window.contains(start) else 1] += tally.predictions
    return {version: Comparison(*pair) for version, pair in sorted(counts.items(), key=lambda item: -item[1][0])}


def _build_buckets(tallies: Tallies, window: Window) -> list[Bucket]:
    totals: dict[datetime, Tally] = defaultdict(Tally)
    versions: dict[datetime, Counter[UUID]] = defaultdict(Counter)
    for (start, version), tally in tallies.items():
        totals[start].add(tally)
        versions[start][version] += tally.predictions
    shares = LATENCY_QUANTILES.values()
    return [
        Bucket(start, totals[start], versions[start], *totals[start].compute_latency_quantiles(*shares))
        for start in window.buckets
    ]
