"""Drift tests and distances, compared with closed forms and complete enumeration."""

from collections import Counter
from itertools import combinations
from math import comb, erfc, exp, sqrt

import numpy as np
import pytest

from monitoring.drift.samples import count_categories
from monitoring.drift.statistics import (
    compare_categories,
    compare_numbers,
    compute_chi_squared,
    compute_jensen_shannon,
    compute_kolmogorov_smirnov,
    compute_wasserstein,
)


def compute_distance(first, second):
    """Return the largest difference of two distribution functions, multiplied by both sample sizes to be an integer."""
    return max(
        abs(sum(value <= limit for value in first) * len(second) - sum(value <= limit for value in second) * len(first))
        for limit in (*first, *second)
    )


def enumerate_p_value(first, second):
    """Return the share of all ways to split the pooled ranks that are at least as far apart."""
    distance, ranks = compute_distance(first, second), range(len(first) + len(second))
    splits = list(combinations(ranks, len(first)))
    far = [split for split in splits if compute_distance(split, [rank for rank in ranks if rank not in split]) >= distance]
    return len(far) / len(splits)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ([1, 2, 3, 4], [5, 6, 7]),
        ([1, 2, 3, 7], [4, 5, 6, 8, 9]),
        ([0.1, 0.5, 0.7, 0.8, 2.0], [0.2, 0.3, 0.4, 0.6, 0.9, 1.0]),
        ([1, 4, 5], [2, 3, 6]),
    ],
)
def test_kolmogorov_smirnov_is_exact(first, second):
    assert compute_kolmogorov_smirnov(first, second) == pytest.approx(enumerate_p_value(first, second))


def test_kolmogorov_smirnov_of_equal_and_disjoint_samples():
    values = np.arange(50.0)
    assert compute_kolmogorov_smirnov(values, values) == 1
    assert compute_kolmogorov_smirnov(values, values + 100) == pytest.approx(2 / comb(100, 50))
    assert compute_kolmogorov_smirnov(np.ones(40), np.ones(60)) == 1
    assert compute_kolmogorov_smirnov(np.ones(40), np.zeros(60)) == pytest.approx(2 / comb(100, 40))


def test_kolmogorov_smirnov_with_ties_is_not_smaller_than_without():
    rng = np.random.default_rng(3)
    reference, current = rng.normal(0, 1, 200), rng.normal(0.2, 1, 300)
    p_value = compute_kolmogorov_smirnov(reference, current)
    assert p_value <= compute_kolmogorov_smirnov(reference.round(1), current.round(1)) < 1


def test_kolmogorov_smirnov_of_the_largest_samples():
    rng = np.random.default_rng(4)
    reference, current = rng.normal(0, 1, 1000), rng.normal(0, 1, 5000)
    assert 0.05 < compute_kolmogorov_smirnov(reference, current) < 1
    assert 0 <= compute_kolmogorov_smirnov(reference, current + 0.6) < 1e-20
    assert compute_kolmogorov_smirnov(reference, current + 100) < 1e-200


def test_chi_squared_of_two_categories_is_the_z_test_of_two_proportions():
    pooled = (40 + 75) / 500
    z = (75 / 300 - 40 / 200) / sqrt(pooled * (1 - pooled) * (1 / 200 + 1 / 300))
    p_value = compute_chi_squared(Counter(yes=40, no=160), Counter(yes=75, no=225))
    assert p_value == pytest.approx(erfc(z / sqrt(2)))


def test_chi_squared_of_three_categories():
    # All expected counts are 20. With two degrees of freedom, the p-value is exp(-statistic / 2).
    reference, current = Counter(a=10, b=20, c=30), Counter(a=30, b=20, c=10)
    assert compute_chi_squared(reference, current) == pytest.approx(exp(-4 * 10**2 / 20 / 2))


def test_chi_squared_ignores_categories_that_do_not_occur():
    assert compute_chi_squared(Counter(a=30), Counter(a=70)) == 1
    assert compute_chi_squared(Counter(present=0, missing=30), Counter(present=0, missing=40)) == 1
    with_zero = compute_chi_squared(Counter(a=10, b=20, c=0), Counter(a=20, b=10))
    assert with_zero == compute_chi_squared(Counter(a=10, b=20), Counter(a=20, b=10))


@pytest.mark.parametrize(
    ("first", "second", "distance"),
    [
        ([1, 2, 3], [1, 2, 3], 0),
        ([1, 2, 3], [6, 7, 8], 5),
        ([0], [1, 2, 3, 4, 5], 3),
        ([0, 1], [0, 0, 1], 1 / 6),
        ([2, 2, 2], [2], 0),
    ],
)
def test_wasserstein_is_the_mean_distance_to_move(first, second, distance):
    assert compute_wasserstein(np.array(first, float), np.array(second, float)) == pytest.approx(distance)


def test_jensen_shannon_is_between_zero_and_one():
    assert compute_jensen_shannon(Counter(a=3), Counter(a=7)) == 0
    assert compute_jensen_shannon(Counter(a=3, b=6), Counter(a=100_000, b=200_000)) == pytest.approx(0, abs=1e-7)
    assert compute_jensen_shannon(Counter(a=3), Counter(b=7)) == pytest.approx(1)
    mixture_entropy = 2 - 3 / 4 * np.log2(3)  # of shares 3/4 and 1/4; the mean entropy of both samples is 1/2
    assert compute_jensen_shannon(Counter(a=5), Counter(a=4, b=4)) == pytest.approx(sqrt(mixture_entropy - 1 / 2))


@pytest.mark.parametrize(
    ("rows", "number_test", "category_test", "two_category_test"),
    [
        (
            1000,
            "Kolmogorov-Smirnov test (p-value)",
            "chi-squared test (p-value)",
            "two-proportion z-test (p-value)",
        ),
        (
            1001,
            "Wasserstein distance (standard deviations)",
            "Jensen-Shannon distance",
            "Jensen-Shannon distance",
        ),
    ],
)
def test_the_reference_size_selects_the_test(rows, number_test, category_test, two_category_test):
    rng = np.random.default_rng(1)
    reference, current = rng.normal(0, 1, rows), rng.normal(0, 1, 5000)
    assert compare_numbers(reference, current).test == number_test
    assert not compare_numbers(reference, current).drifted
    assert compare_numbers(reference, current + 1).drifted
    counts = Counter(a=rows - 500, b=300, c=200)
    assert compare_categories(counts, counts).test == category_test
    assert compare_categories(Counter(a=rows - 500, b=500), Counter(a=1, b=1)).test == two_category_test
    assert compare_categories(counts, Counter(a=10, b=900, c=90)).drifted


def test_the_distance_of_numbers_is_in_standard_deviations_of_the_reference():
    reference = np.random.default_rng(1).normal(0, 20, 2000)
    assert compare_numbers(reference, reference + 5).score == pytest.approx(5 / reference.std())


@pytest.mark.parametrize("rows", [500, 2000])
def test_constant_samples(rows):
    assert not compare_numbers(np.full(rows, 3.0), np.full(5000, 3.0)).drifted
    assert compare_numbers(np.full(rows, 3.0), np.full(5000, 4.0)).drifted
    assert not compare_categories(Counter(a=rows), Counter(a=5000)).drifted
    assert compare_categories(Counter(a=rows), Counter(b=5000)).drifted


def test_the_distance_from_a_constant_reference_is_finite():
    assert compare_numbers(np.full(2000, 3.0), np.full(2000, 4.0)).score == pytest.approx(1000)


@pytest.mark.parametrize(("reference_size", "current_size"), [(0, 0), (0, 50), (50, 0), (2000, 0)])
def test_empty_samples_are_rejected(reference_size, current_size):
    with pytest.raises(ValueError, match="Expected values in both samples"):
        compare_numbers(np.ones(reference_size), np.ones(current_size))
    with pytest.raises(ValueError, match="Expected values in both samples"):
        compare_categories(Counter(a=reference_size), Counter(a=current_size))


def test_categories_that_are_large_numbers_are_different():
    categories = count_categories([20260501.0, 20260501, 20260502.0, 2.0, 0.1 + 0.2, 0.3, True, "5"])
    assert categories == {"20260501": 2, "20260502": 1, "2": 1, "0.3": 2, "yes": 1, "5": 1}
