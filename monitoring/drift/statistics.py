"""Has the distribution of a column changed? Formulas over arrays and counts, each with its source.

Which test when, and from where on it is drift, are Evidently's defaults:
https://docs.evidentlyai.com/metrics/customize_data_drift
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import erfc, exp, lgamma, log, sqrt

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]

SMALL = (
    1000  # rows of the reference up to which a test of significance is made; above, small differences are all significant
)
FEW_VALUES = 5  # numbers with no more different values than this are categories
SIGNIFICANT = 0.05  # p below which it is drift
DISTANT = 0.1  # distance from which on it is drift
LEAST_SPREAD = 0.001  # by which a distance is divided when the reference does not vary


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a test says. `score` is its p-value or its distance."""

    test: str
    score: float
    drifted: bool


def compare_numbers(reference: Numbers, current: Numbers) -> Verdict:
    if len(reference) <= SMALL:
        p = kolmogorov_smirnov(reference, current)
        return Verdict("Kolmogorov-Smirnov, p", p, p < SIGNIFICANT)
    distance = wasserstein(reference, current) / max(float(reference.std()), LEAST_SPREAD)
    return Verdict("Wasserstein, in standard deviations", distance, distance >= DISTANT)


def compare_categories(reference: Counter[str], current: Counter[str]) -> Verdict:
    if reference.total() > SMALL:
        distance = jensen_shannon(reference, current)
        return Verdict("Jensen-Shannon", distance, distance >= DISTANT)
    p = chi_squared(reference, current)
    name = "z of two proportions, p" if len({*reference, *current}) <= 2 else "chi-squared, p"
    return Verdict(name, p, p < SIGNIFICANT)


def kolmogorov_smirnov(one: Numbers, other: Numbers) -> float:
    """Return how likely two samples of one distribution would be so far apart: the exact two-sided p-value.

    J. L. Hodges, Arkiv för Matematik 3 (1958) 469-486: all ways to merge the samples are equally likely; counted are the
    paths through the grid on which the two shares never differ by as much. Ties make it err on the safe side.
    """
    one, other = sorted((np.sort(one), np.sort(other)), key=len)
    n, m = len(one), len(other)
    both = np.concatenate([one, other])
    apart = np.abs(np.searchsorted(one, both, "right") * m - np.searchsorted(other, both, "right") * n).max()
    return _as_far_apart(n, m, int(apart))


def _as_far_apart(n: int, m: int, apart: int) -> float:
    """Return the share of the paths from (0, 0) to (n, m) on which |i m - j n| reaches `apart` somewhere."""
    steps = np.arange(m + 1) * n
    paths, scale = np.where(steps < apart, 1.0, 0.0), 0.0
    for i in range(1, n + 1):
        inside = np.abs(i * m - steps) < apart
        paths = np.cumsum(paths * inside) * inside
        most = paths.max()
        if most == 0:
            return 1.0
        paths /= most
        scale += log(most)
    if paths[m] == 0:
        return 1.0
    all_paths = lgamma(n + m + 1) - lgamma(n + 1) - lgamma(m + 1)
    return min(1.0, max(0.0, 1 - exp(log(paths[m]) + scale - all_paths)))


def chi_squared(one: Counter[str], other: Counter[str]) -> float:
    """Return how likely two samples of one distribution would differ so: Pearson's test of homogeneity.

    K. Pearson, Phil. Mag. 50 (1900) 157-175, without a correction. Of two categories it is the two-sided z-test of two
    proportions, whose z is the root of the statistic.
    """
    names = sorted({*one, *other})
    if len(names) < 2:
        return 1.0
    seen = np.array([[counts[name] for name in names] for counts in (one, other)], np.float64)
    expected = seen.sum(1, keepdims=True) * seen.sum(0) / seen.sum()
    return chi_squared_tail(float(((seen - expected) ** 2 / expected).sum()), len(names) - 1)


def chi_squared_tail(statistic: float, freedom: int) -> float:
    """Return how likely chi-squared is at least this: Abramowitz and Stegun, 26.4.4 (odd) and 26.4.5 (even)."""
    if statistic <= 0:
        return 1.0
    half = statistic / 2
    start = 0.5 if freedom % 2 else 0.0
    terms = np.arange(freedom // 2) + start
    tail = sum(exp(k * log(half) - half - lgamma(k + 1)) for k in terms.tolist())
    return min(1.0, float(tail) + (erfc(sqrt(half)) if freedom % 2 else 0.0))


def wasserstein(one: Numbers, other: Numbers) -> float:
    """Return how far, on average, values must move to make one sample the other: the area between the two shares.

    S. S. Vallender, Theory Probab. Appl. 18 (1974) 784-786.
    """
    both = np.sort(np.concatenate([one, other]))
    shares = [np.searchsorted(np.sort(values), both[:-1], "right") / len(values) for values in (one, other)]
    return float((np.abs(shares[0] - shares[1]) * np.diff(both)).sum())


def jensen_shannon(one: Counter[str], other: Counter[str]) -> float:
    """Return how far two distributions are apart, 0 to 1: the root of the Jensen-Shannon divergence to base 2.

    D. M. Endres and J. E. Schindelin, IEEE Trans. Inf. Theory 49 (2003) 1858-1860. To base e, as later Evidently has it,
    it is 0.83 times that: ours is the stricter one.
    """
    names = sorted({*one, *other})
    p, q = (np.array([counts[name] for name in names]) / counts.total() for counts in (one, other))
    middle = (p + q) / 2
    return sqrt(max(0.0, (_entropy(p, middle) + _entropy(q, middle)) / 2))


def _entropy(p: Numbers, q: Numbers) -> float:
    seen = p > 0
    return float((p[seen] * np.log2(p[seen] / q[seen])).sum())
