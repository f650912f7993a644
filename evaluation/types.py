"""What an evaluation consists of. A metric without data is None."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Share:
    """A share of `n` items with its 95% interval."""

    value: float | None
    low: float | None
    high: float | None
    n: int


UNKNOWN_SHARE = Share(None, None, None, 0)


@dataclass(frozen=True, slots=True)
class ClassMetrics:
    """Precision and recall of one label. `support` is the number of predictions with this true label.

    A prediction whose true label is none of the labels lowers the precision of the predicted one.
    """

    label: str
    precision: float | None
    recall: float | None
    support: int


@dataclass(frozen=True, slots=True)
class ConfusionMatrix:
    """Counts by true label (rows) and predicted label (columns), without predictions whose true label is none of them."""

    labels: list[str]
    matrix: list[list[int]]


class CommonError(NamedTuple):
    """The number of predictions of one label for which another label was the true one."""

    true_label: str
    label: str
    n: int


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """Mean confidence and accuracy of the predictions with a confidence in (low, high]."""

    low: float
    high: float
    n: int
    confidence: float | None
    accuracy: float | None


@dataclass(frozen=True, slots=True)
class Calibration:
    """The expected calibration error and the reliability curve."""

    ece: float | None
    bins: list[CalibrationBin]


class ResidualBin(NamedTuple):
    """Number of predictions with an error from `low` to `high`."""

    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class Residuals:
    """Mean and histogram of the errors, predicted minus true value."""

    mean: float | None
    bins: list[ResidualBin]


@dataclass(frozen=True, slots=True)
class Regression:
    """Errors over the `n` predictions with a known true value, in the unit of the value."""

    mae: float | None
    rmse: float | None
    r2: float | None
    n: int
    residuals: Residuals


@dataclass(frozen=True, slots=True)
class LabelMetrics:
    """Metrics of one label of a multi-label model, with their intervals, and the counts that they are based on.

    Args:
        support: number of predictions for which the label is true.
        predicted: number of predictions for which the label is predicted.
    """

    label: str
    precision: Share
    recall: Share
    f1: Share
    support: int
    predicted: int
    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int


@dataclass(frozen=True, slots=True)
class Averages:
    """Averages over all labels."""

    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True, slots=True)
class MultiLabel:
    """Metrics of a multi-label model over the `n` predictions with known true labels.

    Args:
        hamming_loss: share of wrong decisions among all decisions, one for each label of each prediction.
        micro: of the sums of all labels.
        macro: unweighted means over the labels.
    """

    n: int
    hamming_loss: float | None
    micro: Averages
    macro: Averages
    labels: list[LabelMetrics]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All metrics of a version.

    Args:
        predictions: number of succeeded predictions.
        reviewed: number of predictions with a review, including `unsure`.
        accuracy: share of correct predictions among those marked correct or incorrect; unknown for regression. For a
            multi-label model it is the subset accuracy: all labels must be right.
        random: accuracy of the random sample.
        picked: accuracy of the low-confidence sample; underestimates the accuracy of the version.
        confusion: None without labels, for multi-label models, and for more labels than `report.MAX_MATRIX_LABELS`.
        common_errors: the most common errors first.
        kappa: Cohen's kappa of reviewers of the same predictions; the weighted mean over all pairs of reviewers.
        kappa_n: number of predictions with two reviewers, counted for each pair of reviewers.
    """

    version: int
    predictions: int
    reviewed: int
    coverage: float | None
    accuracy: Share = UNKNOWN_SHARE
    random: Share = UNKNOWN_SHARE
    picked: Share = UNKNOWN_SHARE
    classes: list[ClassMetrics] = field(default_factory=list)
    confusion: ConfusionMatrix | None = None
    common_errors: list[CommonError] = field(default_factory=list)
    calibration: Calibration | None = None
    kappa: float | None = None
    kappa_n: int = 0
    regression: Regression | None = None
    multi_label: MultiLabel | None = None

    @property
    def decided(self) -> int:
        """Return the number of predictions that the metrics are based on."""
        return self.regression.n if self.regression else self.accuracy.n

    @property
    def unsure(self) -> int:
        """Return the number of predictions with only `unsure` reviews; 0 for regression."""
        return 0 if self.regression else self.reviewed - self.accuracy.n
