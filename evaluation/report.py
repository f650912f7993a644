"""Calculate the metrics of a version from its reviews. The database counts; no row is read into memory."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

from evaluation.agreement import compute_mean_kappa, count_agreements
from evaluation.multi_label import evaluate_labels, get_class_metrics, select_labels
from evaluation.regression import evaluate_regression
from evaluation.sql.reviews import CONFIDENCE_BINS, SummaryCount, count_reviews
from evaluation.statistics import (
    PairCounts,
    compute_calibration_error,
    compute_class_metrics,
    compute_confusion_matrix,
    compute_wilson_interval,
    divide,
)
from evaluation.types import Calibration, CalibrationBin, CommonError, Evaluation, Share
from inference.signature import LabelsOutput
from predictions.models import Review
from predictions.summary_sql import build_summaries
from predictions.usage import count_succeeded
from registry.models import ModelVersion

PickedBy = Review.PickedBy

MAX_LISTED_LABELS = 100  # of a model with more labels, only those in reviewed predictions are listed
MAX_MATRIX_LABELS = 200  # the matrix has the square of this many cells
MAX_COMMON_ERRORS = 20
NO_LABEL = ""  # in place of the true label, if it is none of the labels of the version


def evaluate_version(
    version: ModelVersion, *, reader: AbstractBaseUser | AnonymousUser, since: datetime | None = None, picked_by: str = ""
) -> Evaluation:
    """Return the metrics of a version. The number of queries is fixed.

    Of several active reviews of a prediction, the newest that is not `unsure` counts. A prediction from the random sample
    stays in it if someone corrects the review later.

    Args:
        reader: users get the metrics of their own predictions, reviewers those of all predictions.
        since: only predictions created at or after this time.
        picked_by: only predictions selected for review by this strategy, a `Review.PickedBy`; empty for all.
    """
    predictions = count_succeeded(version, reader=reader, since=since)
    filters = {"created_at__gte": since} if since else {}
    summaries = build_summaries(reader=reader, model_version=version, **filters)

    output = version.parsed_signature.output
    if output.kind == "value":
        reviewed, regression = evaluate_regression(summaries, picked_by=picked_by)
        return Evaluation(
            version.number, predictions, reviewed, coverage=divide(reviewed, predictions), regression=regression
        )

    is_multi_label = output.kind == LabelsOutput.kind
    counts = count_reviews(summaries, picked_by=picked_by)
    reviewed, verdicts = sum(row.n for row in counts), [row for row in counts if row.verdict]
    agreements = count_agreements(verdicts)
    build_metrics = _evaluate_label_lists if is_multi_label else _evaluate_single_labels
    return Evaluation(
        version.number,
        predictions,
        reviewed,
        coverage=divide(reviewed, predictions),
        accuracy=_compute_accuracy(verdicts),
        random=_compute_accuracy(row for row in verdicts if row.is_picked_by(PickedBy.RANDOM)),
        picked=_compute_accuracy(row for row in verdicts if row.is_picked_by(PickedBy.UNCERTAIN, PickedBy.MARGIN)),
        calibration=_build_calibration(verdicts) if output.has_scores and not is_multi_label else None,
        kappa=compute_mean_kappa(agreements),
        kappa_n=sum(table.total() for table in agreements.values()),
        **build_metrics(version, verdicts),
    )


def _evaluate_single_labels(version: ModelVersion, verdicts: Sequence[SummaryCount]) -> dict[str, Any]:
    """Return the metrics of single labels, as arguments of `Evaluation`."""
    label_counts = _count_labels(verdicts)
    labels = _select_listed_labels(version.labels, label_counts)
    return {
        "classes": compute_class_metrics(labels, label_counts),
        "confusion": (
            compute_confusion_matrix(labels, label_counts) if version.labels and len(labels) <= MAX_MATRIX_LABELS else None
        ),
        "common_errors": _find_common_errors(label_counts),
    }


def _evaluate_label_lists(version: ModelVersion, verdicts: Sequence[SummaryCount]) -> dict[str, Any]:
    """Return the metrics of lists of labels, as arguments of `Evaluation`."""
    pairs = [
        (set(json.loads(true)), set(json.loads(label)), n)
        for (true, label), n in _count_labels(verdicts).items()
        if true != NO_LABEL  # rows written without the review service
    ]
    metrics = select_labels(evaluate_labels(version.labels, pairs), limit=MAX_LISTED_LABELS)
    return {"classes": get_class_metrics(metrics), "multi_label": metrics}


def _compute_accuracy(verdicts: Iterable[SummaryCount]) -> Share:
    verdicts = list(verdicts)
    return compute_wilson_interval(_count_correct(verdicts), sum(row.n for row in verdicts))


def _count_correct(verdicts: Iterable[SummaryCount]) -> int:
    return sum(row.n for row in verdicts if row.verdict == Review.Verdict.CORRECT)


def _count_labels(verdicts: Iterable[SummaryCount]) -> Counter[tuple[str, str]]:
    """Return the number of predictions by (true label or `NO_LABEL`, predicted label)."""
    counts = Counter[tuple[str, str]]()
    for row in verdicts:
        counts[row.true_label or (row.label if row.verdict == Review.Verdict.CORRECT else NO_LABEL), row.label] += row.n
    return counts


def _select_listed_labels(labels: list[str], label_counts: PairCounts) -> list[str]:
    if len(labels) <= MAX_LISTED_LABELS:
        return labels
    used = {label for pair in label_counts for label in pair}
    return [label for label in labels if label in used]


def _find_common_errors(label_counts: PairCounts) -> list[CommonError]:
    errors = Counter({pair: n for pair, n in label_counts.items() if pair[0] not in (pair[1], NO_LABEL)})
    return [CommonError(*pair, n) for pair, n in errors.most_common(MAX_COMMON_ERRORS)]


def _build_calibration(verdicts: Sequence[SummaryCount]) -> Calibration:
    bins = []
    for number, (low, high) in enumerate(CONFIDENCE_BINS):
        rows = [row for row in verdicts if row.bin == number]
        n, confidence = sum(row.n for row in rows), sum(row.confidence_sum or 0 for row in rows)
        bins.append(CalibrationBin(low, high, n, divide(confidence, n), divide(_count_correct(rows), n)))
    return Calibration(compute_calibration_error(bins), bins)
