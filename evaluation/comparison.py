"""Compare two versions of a model on the inputs with predictions of both versions and a known true output."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

from evaluation.sql.comparison import compare_label_lists, compare_labels, compare_values
from evaluation.statistics import compute_mcnemar_p, compute_wilson_interval, divide
from evaluation.types import UNKNOWN_SHARE, Share
from inference.numbers import MAX_FLOAT
from inference.signature import LabelsOutput
from predictions.models import Prediction, Review
from predictions.models.input import ERASED_SHA256
from predictions.summary_sql import narrow_to_repeated
from registry.models import ModelVersion


@dataclass(frozen=True, slots=True)
class Comparison:
    """Metrics of two versions on the same `n` inputs.

    Args:
        first, second: version numbers.
        accuracy, other_accuracy: of the first and the second version; unknown for regression. For multi-label models,
            all labels must be right.
        both, only_first, only_second, neither: number of inputs that these versions predicted correctly.
        same: share of inputs with the same prediction of both versions.
        p: p-value of McNemar's test; None if no input was predicted correctly by only one version.
        mae, other_mae: mean absolute errors, for regression only.
        mean_difference: mean absolute difference between the predictions of the two versions, for regression only.
    """

    first: int
    second: int
    n: int
    accuracy: Share = UNKNOWN_SHARE
    other_accuracy: Share = UNKNOWN_SHARE
    both: int = 0
    only_first: int = 0
    only_second: int = 0
    neither: int = 0
    same: float | None = None
    p: float | None = None
    mae: float | None = None
    other_mae: float | None = None
    mean_difference: float | None = None


def compare_versions(first: ModelVersion, second: ModelVersion, *, reader: AbstractBaseUser | AnonymousUser) -> Comparison:
    """Compare two versions of a model on the reader's own predictions or, for reviewers, on all predictions.

    Inputs with the same bytes are the same input, regardless of who submitted them. Of several predictions of a version for
    an input, the newest counts; of several true outputs, the one from the newest review of either version's predictions.
    """
    versions = [first, second]
    reviews = narrow_to_repeated(Review.objects.visible_to(reader).decided(), versions)
    predictions = Prediction.objects.visible_to(reader).filter(
        model_version__in=versions, status=Prediction.Status.SUCCEEDED
    )
    predictions = predictions.exclude(input__sha256=ERASED_SHA256)
    if not first.labels:
        measured = reviews.filter(true_value__range=(-MAX_FLOAT, MAX_FLOAT))
        values = compare_values(measured, predictions, first=first)
        return Comparison(first.number, second.number, **values._asdict())
    if first.parsed_signature.output.kind == LabelsOutput.kind:
        labels = compare_label_lists(reviews.filter(true_labels__isnull=False), predictions, first=first)
    else:
        labels = compare_labels(reviews.exclude(true_label=""), predictions, first=first)
    return Comparison(
        first.number,
        second.number,
        labels.n,
        accuracy=compute_wilson_interval(labels.both + labels.only_first, labels.n),
        other_accuracy=compute_wilson_interval(labels.both + labels.only_second, labels.n),
        both=labels.both,
        only_first=labels.only_first,
        only_second=labels.only_second,
        neither=labels.n - labels.both - labels.only_first - labels.only_second,
        same=divide(labels.same, labels.n),
        p=compute_mcnemar_p(labels.only_first, labels.only_second),
    )
