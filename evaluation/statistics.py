"""The formulas of the metrics, with their sources. They take counts and return None for an undefined metric."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import sqrt

from evaluation.types import UNKNOWN_SHARE, CalibrationBin, ClassMetrics, ConfusionMatrix, Share

Z_95 = 1.959963984540054
"""The 97.5th percentile of the standard normal distribution: 95% of it lies between -Z_95 and Z_95."""

PairCounts = Mapping[tuple[str, str], int]
"""Counts of pairs, such as (true label, predicted label)."""


def divide(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def compute_wilson_interval(successes: int, n: int) -> Share:
    """Return the share of successes with its 95% score interval.

    Unlike p ± 1.96 standard errors, the interval stays within [0, 1] and is valid for small samples and extreme shares.
    Source: E. B. Wilson, J. Am. Stat. Assoc. 22 (1927) 209-212. SciPy has the same formula in `scipy.stats`, whose import
    would cost each worker process a second and 90 MB.
    """
    if not n:
        return UNKNOWN_SHARE
    share, shrinkage = successes / n, 1 + Z_95**2 / n
    center = (share + Z_95**2 / (2 * n)) / shrinkage
    half_width = Z_95 * sqrt(share * (1 - share) / n + Z_95**2 / (4 * n**2)) / shrinkage
    # At 0 and 1 the limit is exact; rounding errors would move it.
    low = center - half_width if successes else 0.0
    high = center + half_width if successes < n else 1.0
    return Share(share, low, high, n)


def compute_f1_interval(both: int, n: int) -> Share:
    """Return the F1 score of a label with its 95% interval.

    The share J of `both` in `n` is the Jaccard index, and F1 = 2J / (1 + J) grows with it, so the limits of its score
    interval give those of F1. Source: D. J. Hand, P. Christen and N. Kirielle, Mach. Learn. 110 (2021) 451-456.

    Args:
        both: number of items for which the label is predicted and true.
        n: number of items for which it is predicted or true.
    """
    share = compute_wilson_interval(both, n)
    if share.value is None or share.low is None or share.high is None:
        return share
    value, low, high = (2 * limit / (1 + limit) for limit in (share.value, share.low, share.high))
    return Share(value, low, high, n)


def compute_mean_margin(variance: float | None, n: int) -> float | None:
    """Return half the width of the 95% interval of the mean of `n` numbers, from Student's t distribution.

    Undefined for fewer than two numbers. Source: Student, Biometrika 6 (1908) 1-25.

    Args:
        variance: sample variance of the numbers, with the divisor n - 1.
    """
    from scipy.special import stdtrit  # the quantile function; much smaller than scipy.stats

    return None if variance is None or n < 2 else float(stdtrit(n - 1, 0.975)) * sqrt(variance / n)


def compute_confusion_matrix(labels: Sequence[str], counts: PairCounts) -> ConfusionMatrix:
    """Return the confusion matrix with one row per true label and one column per predicted label.

    Args:
        counts: by (true label, predicted label).
    """
    return ConfusionMatrix(list(labels), [[counts.get((true, predicted), 0) for predicted in labels] for true in labels])


def compute_class_metrics(labels: Sequence[str], counts: PairCounts) -> list[ClassMetrics]:
    """Return precision, recall and support of each label.

    Args:
        counts: by (true label, predicted label).
    """
    support, predicted = _sum_by(counts, 0), _sum_by(counts, 1)
    return [
        ClassMetrics(
            label,
            precision=divide(counts.get((label, label), 0), predicted[label]),
            recall=divide(counts.get((label, label), 0), support[label]),
            support=support[label],
        )
        for label in labels
    ]


def compute_calibration_error(bins: Iterable[CalibrationBin]) -> float | None:
    """Return the expected calibration error: the mean distance of confidence and accuracy, weighted by predictions.

    Sources: Naeini, Cooper and Hauskrecht, AAAI 2015; Guo et al., ICML 2017, equation 3.
    """
    gaps = [
        (calibration_bin.n, abs(calibration_bin.accuracy - calibration_bin.confidence))
        for calibration_bin in bins
        if calibration_bin.accuracy is not None and calibration_bin.confidence is not None
    ]
    return divide(sum(n * gap for n, gap in gaps), sum(n for n, _ in gaps))


def compute_kappa(counts: PairCounts) -> float | None:
    """Return the agreement of two raters beyond chance. 1 is perfect agreement, 0 is chance agreement.

    Undefined if both raters always give the same single rating. Source: J. Cohen, Educ. Psychol. Meas. 20 (1960) 37-46.

    Args:
        counts: by (rating of the first rater, rating of the second).
    """
    total = sum(counts.values())
    if not total:
        return None
    observed = sum(n for (first, second), n in counts.items() if first == second) / total
    first_sums, second_sums = _sum_by(counts, 0), _sum_by(counts, 1)
    by_chance = sum(n * second_sums[rating] for rating, n in first_sums.items()) / total**2
    return divide(observed - by_chance, 1 - by_chance)


def compute_mcnemar_p(only_first: int, only_second: int) -> float | None:
    """Return the two-sided p-value of McNemar's exact test that two classifiers have the same accuracy.

    Inputs that both classifiers predict correctly, or both incorrectly, have no influence. Undefined without other inputs.
    Source: Q. McNemar, Psychometrika 12 (1947) 153-157.

    Args:
        only_first: number of inputs that only the first classifier predicted correctly.
    """
    from scipy.special import bdtr  # the binomial distribution function; much smaller than scipy.stats

    n = only_first + only_second
    return min(1.0, 2 * float(bdtr(min(only_first, only_second), n, 0.5))) if n else None


def _sum_by(counts: PairCounts, position: int) -> Counter[str]:
    sums = Counter[str]()
    for pair, n in counts.items():
        sums[pair[position]] += n
    return sums
