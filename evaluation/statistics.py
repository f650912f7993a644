"""The formulas of quality, each with its source. They take counts, and return None for what is not known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import comb, erfc, sqrt

Z = 1.959963984540054  # the 97.5th percentile of the normal distribution: 95 % lie between -Z and Z
EXACT = 1000  # pairs up to which McNemar's test is computed exactly


@dataclass(frozen=True, slots=True)
class Share:
    """A share of `n` with its 95 % interval; None when n is 0."""

    value: float | None
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True, slots=True)
class ClassMetrics:
    """How one label fared. `support` is how often it was the true one."""

    label: str
    precision: float | None
    recall: float | None
    support: int


@dataclass(frozen=True, slots=True)
class Bin:
    """Answers whose confidence lies above `low` and up to `high`: how sure they were on average, and how often right."""

    low: float
    high: float
    n: int
    confidence: float | None
    accuracy: float | None


def ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def wilson(right: int, n: int) -> Share:
    """Return a share with its 95 % score interval: E. B. Wilson, J. Am. Stat. Assoc. 22 (1927) 209-212.

    Unlike p ± 1.96 standard errors it stays between 0 and 1 and holds for few and for one-sided counts.
    """
    if not n:
        return Share(None, None, None, 0)
    share, shrink = right / n, 1 + Z * Z / n
    middle = (share + Z * Z / (2 * n)) / shrink
    half = Z * sqrt(share * (1 - share) / n + Z * Z / (4 * n * n)) / shrink
    # The ends are exact where all or none are right; rounding would leave them a hair aside.
    return Share(share, 0.0 if not right else middle - half, 1.0 if right == n else middle + half, n)


def per_class(labels: Sequence[str], counts: Mapping[tuple[str, str], int]) -> list[ClassMetrics]:
    """Return precision, recall and support of each label.

    Args:
        counts: how often the first was the true label and the second the answer.
    """
    true, answered = _sums(counts, 0), _sums(counts, 1)
    return [
        ClassMetrics(
            label,
            ratio(counts.get((label, label), 0), answered.get(label, 0)),
            ratio(counts.get((label, label), 0), true.get(label, 0)),
            true.get(label, 0),
        )
        for label in labels
    ]


def expected_calibration_error(bins: Iterable[Bin]) -> float | None:
    """Return the mean distance of confidence and accuracy over the bins, each weighed by its answers.

    Naeini, Cooper and Hauskrecht, AAAI 2015; Guo et al., ICML 2017, equation 3. Ten bins of equal width, (low, high].
    """
    known = [
        (one.n, abs(one.accuracy - one.confidence))
        for one in bins
        if one.accuracy is not None and one.confidence is not None
    ]
    total = sum(n for n, _ in known)
    return ratio(sum(n * gap for n, gap in known), total)


def cohens_kappa(counts: Mapping[tuple[str, str], int]) -> float | None:
    """Return how far two people agree beyond chance: J. Cohen, Educ. Psychol. Meas. 20 (1960) 37-46.

    Args:
        counts: how often the first said one thing and the second another.

    Returns:
        1 for perfect agreement, 0 for chance; None when both always say the same one thing, which chance would too.
    """
    total = sum(counts.values())
    if not total:
        return None
    seen = sum(n for (one, other), n in counts.items() if one == other) / total
    first, second = _sums(counts, 0), _sums(counts, 1)
    chance = sum(n * second.get(said, 0) for said, n in first.items()) / (total * total)
    return ratio(seen - chance, 1 - chance)


def mcnemar(only_one: int, only_other: int) -> float | None:
    """Return how likely so uneven a split would be if both were equally good: Q. McNemar, Psychometrika 12 (1947) 153-157.

    Args:
        only_one: inputs that only the one got right; `only_other` likewise. Where both are right or wrong says nothing.

    Returns:
        The two-sided p-value: exact by the binomial distribution up to 1,000 inputs, by chi-squared with Edwards'
        correction above; None when there are none.
    """
    n, fewer = only_one + only_other, min(only_one, only_other)
    if not n:
        return None
    if n <= EXACT:
        return min(1.0, 2 * sum(comb(n, k) for k in range(fewer + 1)) / 2**n)
    return erfc(sqrt(max(0, abs(only_one - only_other) - 1) ** 2 / n / 2))


def _sums(counts: Mapping[tuple[str, str], int], place: int) -> dict[str, int]:
    sums: dict[str, int] = {}
    for pair, n in counts.items():
        sums[pair[place]] = sums.get(pair[place], 0) + n
    return sums
