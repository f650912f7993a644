"""Compare the two versions of a replay on the inputs that were processed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, F, Q

from evaluation.models import Replay, ReplayResult
from evaluation.statistics import compute_mcnemar_p, compute_mean_margin, compute_wilson_interval, divide
from evaluation.types import UNKNOWN_SHARE, Share
from registry.models import ModelVersion

SIGNIFICANT_P = 0.05
CASES = {
    "fixed": {"baseline_is_correct": False, "is_correct": True},
    "broken": {"baseline_is_correct": True, "is_correct": False},
    "wrong": {"baseline_is_correct": False, "is_correct": False},
    "right": {"baseline_is_correct": True, "is_correct": True},
}


@dataclass(frozen=True, slots=True)
class LabelComparison:
    """How many of `n` inputs the versions predicted correctly.

    Args:
        fixed, broken: number of inputs that only the version, or only the baseline, predicted correctly.
        right, wrong: number of inputs that both predicted correctly, or incorrectly.
        same: number of inputs with the same prediction of both versions.
        p: of McNemar's exact test; None if `fixed` and `broken` are 0.
    """

    n: int = 0
    fixed: int = 0
    broken: int = 0
    right: int = 0
    wrong: int = 0
    same: int = 0
    accuracy: Share = UNKNOWN_SHARE
    baseline_accuracy: Share = UNKNOWN_SHARE
    p: float | None = None


@dataclass(frozen=True, slots=True)
class ValueComparison:
    """The absolute errors of the versions on `n` inputs, in the unit of the model.

    Args:
        mae, baseline_mae: mean absolute errors.
        difference: mean of the absolute error minus that of the baseline, with the 95% interval of the mean of the paired
            differences from `low` to `high`, see `compute_mean_margin`.
        closer, farther: number of inputs for which the version is closer to the true value than the baseline, or farther.
        same: number of inputs with the same prediction of both versions.
        p: of the exact sign test of `closer` against `farther`, which has the formula of McNemar's test; None if both are 0.
    """

    n: int = 0
    same: int = 0
    mae: float | None = None
    baseline_mae: float | None = None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    closer: int = 0
    farther: int = 0
    p: float | None = None


@dataclass(frozen=True, slots=True)
class ReplayComparison:
    """The comparison on all inputs, and on those of the random sample.

    Args:
        failed: number of inputs without an output of both versions, which no comparison includes.
        improved, worsened: IDs of the results of a regression with the largest changes of the absolute error.
    """

    is_regression: bool
    labels: LabelComparison = LabelComparison()
    random_labels: LabelComparison = LabelComparison()
    values: ValueComparison = ValueComparison()
    random_values: ValueComparison = ValueComparison()
    failed: int = 0
    random_count: int = 0
    improved: list[int] = field(default_factory=list)
    worsened: list[int] = field(default_factory=list)

    @property
    def n(self) -> int:
        return self.values.n if self.is_regression else self.labels.n


def compare_results(replay: Replay, *, max_cases: int) -> ReplayComparison:
    """Return the comparison of the processed inputs. Their number is limited, so it is computed each time.

    Args:
        max_cases: of a regression, in each of the two lists.
    """
    done = ReplayResult.objects.filter(replay=replay, number__lte=replay.done_items)
    counts = done.aggregate(failed=Count("pk", filter=~Q(error_code="")), random=Count("pk", filter=Q(is_random=True)))
    compared = done.filter(error_code="")
    if get_review_kind(replay.model_version) == "value":
        rows = [
            _ErrorPair(pk, is_random, abs(value - true), abs(baseline - true), value == baseline)
            for pk, is_random, true, value, baseline in compared.values_list(
                "pk", "is_random", "true_value", "value", "baseline_value"
            )
            if true is not None and value is not None and baseline is not None
        ]
        ranked = sorted(rows, key=lambda row: row.difference)
        return ReplayComparison(
            is_regression=True,
            values=_compare_values(rows),
            random_values=_compare_values([row for row in rows if row.is_random]),
            failed=counts["failed"],
            random_count=counts["random"],
            improved=[row.pk for row in ranked[:max_cases] if row.difference < 0],
            worsened=[row.pk for row in ranked[::-1][:max_cases] if row.difference > 0],
        )
    return ReplayComparison(
        is_regression=False,
        labels=_compare_labels(compared),
        random_labels=_compare_labels(compared.filter(is_random=True)),
        failed=counts["failed"],
        random_count=counts["random"],
    )


def get_review_kind(version: ModelVersion) -> str:
    """Return what reviews of predictions of a version contain: `value`, `labels`, or `label`."""
    kind = version.parsed_signature.output.kind
    return kind if kind in ("value", "labels") else "label"


def _compare_labels(rows: Any) -> LabelComparison:
    counts = rows.aggregate(
        same=Count("pk", filter=Q(label=F("baseline_label"))),
        **{name: Count("pk", filter=Q(**condition)) for name, condition in CASES.items()},
    )
    n = sum(counts[name] for name in CASES)
    return LabelComparison(
        n,
        **counts,
        accuracy=compute_wilson_interval(counts["right"] + counts["fixed"], n),
        baseline_accuracy=compute_wilson_interval(counts["right"] + counts["broken"], n),
        p=compute_mcnemar_p(counts["fixed"], counts["broken"]),
    )


@dataclass(frozen=True, slots=True)
class _ErrorPair:
    pk: int
    is_random: bool
    error: float
    baseline_error: float
    is_same: bool

    @property
    def difference(self) -> float:
        return self.error - self.baseline_error


def _compare_values(rows: list[_ErrorPair]) -> ValueComparison:
    n = len(rows)
    if not n:
        return ValueComparison()
    difference = sum(row.difference for row in rows) / n
    variance = divide(sum((row.difference - difference) ** 2 for row in rows), n - 1)
    half_width = compute_mean_margin(variance, n)
    closer, farther = (sum(row.difference * sign < 0 for row in rows) for sign in (1, -1))
    return ValueComparison(
        n,
        same=sum(row.is_same for row in rows),
        mae=sum(row.error for row in rows) / n,
        baseline_mae=sum(row.baseline_error for row in rows) / n,
        difference=difference,
        low=None if half_width is None else difference - half_width,
        high=None if half_width is None else difference + half_width,
        closer=closer,
        farther=farther,
        p=compute_mcnemar_p(closer, farther),
    )
