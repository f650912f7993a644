"""Metrics of a version whose output is a list of labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence, Set
from dataclasses import replace

from evaluation.statistics import compute_f1_interval, compute_wilson_interval, divide
from evaluation.types import Averages, ClassMetrics, LabelMetrics, MultiLabel


def evaluate_labels(labels: Sequence[str], pairs: Iterable[tuple[Set[str], Set[str], int]]) -> MultiLabel:
    """Return the metrics of each label and their averages.

    The averages are defined as in scikit-learn's `precision_recall_fscore_support`; labels with an undefined metric are
    left out of the macro average, as with `zero_division=numpy.nan`.

    Args:
        labels: of the version, in order.
        pairs: sets of true and of predicted labels, with the number of predictions.
    """
    n, trues, predictions, boths = 0, Counter[str](), Counter[str](), Counter[str]()
    for true_labels, predicted_labels, count in pairs:
        n += count
        for counter, names in (
            (trues, true_labels),
            (predictions, predicted_labels),
            (boths, true_labels & predicted_labels),
        ):
            counter.update(dict.fromkeys(names, count))
    rows = [_build_metrics(label, predictions[label], trues[label], boths[label], n) for label in labels]
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


def _build_metrics(label: str, predicted: int, true: int, both: int, n: int) -> LabelMetrics:
    return LabelMetrics(
        label,
        precision=compute_wilson_interval(both, predicted),
        recall=compute_wilson_interval(both, true),
        f1=compute_f1_interval(both, predicted + true - both),
        support=true,
        predicted=predicted,
        true_positives=both,
        false_positives=predicted - both,
        false_negatives=true - both,
        true_negatives=n - predicted - true + both,
    )


def _compute_mean(values: Iterable[float | None]) -> float | None:
    defined = [value for value in values if value is not None]
    return divide(sum(defined), len(defined))
