"""Metrics of a version whose output is a list of labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from evaluation.sql.reviews import LabelCount
from evaluation.statistics import compute_f1_interval, compute_wilson_interval, divide
from evaluation.types import Averages, ClassMetrics, LabelMetrics, MultiLabel


def evaluate_labels(labels: Sequence[str], counts: Iterable[LabelCount], *, n: int) -> MultiLabel:
    """Return the metrics of each label and their averages.

    The averages are defined as in scikit-learn's `precision_recall_fscore_support`; labels with an undefined metric are
    left out of the macro average, as with `zero_division=numpy.nan`.

    Args:
        labels: of the version, in order.
        n: number of predictions with known true labels.
    """
    by_label = {row.label: row for row in counts}
    rows = [_build_metrics(by_label.get(label, LabelCount(label, 0, 0, 0)), n) for label in labels]
    both = sum(row.true_positives for row in rows)
    predicted, true = sum(row.predicted for row in rows), sum(row.support for row in rows)
    return MultiLabel(
        n=n,
        hamming_loss=divide(predicted + true - 2 * both, n * len(labels)),
        micro=Averages(divide(both, predicted), divide(both, true), divide(2 * both, predicted + true)),
        macro=Averages(
            _compute_mean(row.precision.value for row in rows),
            _compute_mean(row.recall.value for row in rows),
            _compute_mean(row.f1.value for row in rows),
        ),
        labels=rows,
    )


def get_class_metrics(metrics: MultiLabel) -> list[ClassMetrics]:
    """Return precision, recall and support of each label, as for other models with labels."""
    return [ClassMetrics(row.label, row.precision.value, row.recall.value, row.support) for row in metrics.labels]


def select_labels(metrics: MultiLabel, *, limit: int) -> MultiLabel:
    """Return the metrics with all labels, or if there are more than `limit`, those that are predicted or true."""
    if len(metrics.labels) <= limit:
        return metrics
    used = [row for row in metrics.labels if row.predicted or row.support]
    return replace(metrics, labels=used)


def _build_metrics(count: LabelCount, n: int) -> LabelMetrics:
    return LabelMetrics(
        count.label,
        precision=compute_wilson_interval(count.both, count.predicted),
        recall=compute_wilson_interval(count.both, count.true),
        f1=compute_f1_interval(count.both, count.predicted + count.true - count.both),
        support=count.true,
        predicted=count.predicted,
        true_positives=count.both,
        false_positives=count.predicted - count.both,
        false_negatives=count.true - count.both,
        true_negatives=n - count.predicted - count.true + count.both,
    )


def _compute_mean(values: Iterable[float | None]) -> float | None:
    defined = [value for value in values if value is not None]
    return divide(sum(defined), len(defined))
