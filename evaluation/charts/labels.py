"""Charts of versions that predict labels: calibration, accuracy by threshold, accuracy over time."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from django.utils.translation import gettext as _

from core.formatting import format_count, format_percent, format_short_percent
from evaluation.charts.drawing import Chart, build_share_axis
from evaluation.charts.trend import build_accuracy_trend
from evaluation.sql.sample import SampleRow
from evaluation.types import Calibration

THRESHOLDS = [number / 100 for number in range(100)]
LISTED_THRESHOLDS = (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
EXAMPLE_THRESHOLD = 0.9


class ThresholdResult(NamedTuple):
    """The share of predictions with at least this confidence, and how many of them are correct."""

    threshold: float
    n: int
    coverage: float
    accuracy: float | None


def build_label_charts(rows: Sequence[SampleRow], calibration: Calibration | None, *, note: str) -> list[Chart]:
    """Return the charts that have data.

    Args:
        rows: the sample for accuracy by threshold and over time.
        note: which predictions the sample has.
    """
    charts = []
    if calibration and any(calibration_bin.n for calibration_bin in calibration.bins):
        charts.append(build_calibration_chart(calibration))
    if calibration and any(row.confidence is not None for row in rows):
        charts.append(build_threshold_chart(rows, note))
    if trend := build_accuracy_trend(rows, note):
        charts.append(trend)
    return charts


def build_calibration_chart(calibration: Calibration) -> Chart:
    """Return the reliability curve: the accuracy of each bin against its mean confidence."""
    bins = [part for part in calibration.bins if part.confidence is not None and part.accuracy is not None]
    scale, ticks = build_share_axis()
    note = _("Expected calibration error: %(error)s. Points below the dashed line mean overconfidence.")
    chart = Chart(
        _("Calibration"),
        note % {"error": format_percent(calibration.ece)},
        _("Confidence"),
        _("Accuracy"),
        scale,
        scale,
        ticks,
        ticks,
        [_("Confidence"), _("Predictions"), _("Mean confidence"), _("Accuracy")],
        [
            [
                f"{format_short_percent(part.low)} – {format_short_percent(part.high)}",
                format_count(part.n),
                format_percent(part.confidence),
                format_percent(part.accuracy),
            ]
            for part in bins
        ],
    )
    chart.draw_line([(0, 0), (1, 1)], "reference")
    values = [(part.confidence or 0, part.accuracy or 0, part.n) for part in bins]
    chart.draw_line([(x, y) for x, y, _n in values], "main")
    chart.draw_points(values)
    return chart


def compute_thresholds(rows: Sequence[SampleRow], thresholds: Sequence[float]) -> list[ThresholdResult]:
    """Return how many predictions have at least the confidence of each threshold, and how many of them are correct."""
    scored = sorted((row.confidence, row.is_correct) for row in rows if row.confidence is not None)
    confidences = [confidence for confidence, _is_correct in scored]
    correct = [0]
    for _confidence, is_correct in reversed(scored):
        correct.append(correct[-1] + is_correct)
    results = []
    for threshold in thresholds:
        n = len(scored) - bisect_left(confidences, threshold)
        results.append(ThresholdResult(threshold, n, n / len(scored) if scored else 0, correct[n] / n if n else None))
    return results


def build_threshold_chart(rows: Sequence[SampleRow], note: str) -> Chart:
    """Return the accuracy and the share of the predictions with at least a confidence, for each confidence."""
    results = compute_thresholds(rows, THRESHOLDS)
    scale, ticks = build_share_axis()
    chart = Chart(
        _("Accuracy by confidence threshold"),
        f"{_describe_threshold(results)} {note}".strip(),
        _("Confidence threshold"),
        _("Share"),
        scale,
        scale,
        ticks,
        ticks,
        [_("Confidence at least"), _("Predictions"), _("Share of reviewed predictions"), _("Accuracy")],
        [
            [
                format_short_percent(row.threshold),
                format_count(row.n),
                format_percent(row.coverage),
                format_percent(row.accuracy),
            ]
            for row in compute_thresholds(rows, LISTED_THRESHOLDS)
        ],
    )
    chart.draw_line([(row.threshold, row.coverage) for row in results], "second", _("Share of reviewed predictions"))
    accuracies = [(row.threshold, row.accuracy) for row in results if row.accuracy is not None]
    chart.draw_line(accuracies, "main", _("Accuracy of these"))
    return chart


def _describe_threshold(results: Sequence[ThresholdResult]) -> str:
    example = next(row for row in results if row.threshold >= EXAMPLE_THRESHOLD)
    values = {
        "threshold": format_short_percent(EXAMPLE_THRESHOLD),
        "coverage": format_percent(example.coverage),
        "accuracy": format_percent(example.accuracy),
    }
    if example.accuracy is None:
        return _("No prediction has a confidence of at least %(threshold)s.") % values
    return (
        _("%(coverage)s of the predictions have a confidence of at least %(threshold)s. Of these, %(accuracy)s are correct.")
        % values
    )
