"""The formulas of quality against scikit-learn and SciPy, on random numbers."""

import warnings
from collections import Counter

import numpy as np
import pytest
from scipy.stats import binomtest, chi2
from sklearn.metrics import cohen_kappa_score, precision_recall_fscore_support

from evaluation.statistics import Bin, cohens_kappa, expected_calibration_error, mcnemar, per_class, wilson


@pytest.mark.parametrize(("right", "n"), [(0, 1), (1, 1), (0, 40), (40, 40), (3, 7), (731, 1000), (12, 90_000)])
def test_wilson_is_scipys(right, n):
    expected = binomtest(right, n).proportion_ci(confidence_level=0.95, method="wilson")
    share = wilson(right, n)
    assert (share.value, share.n) == (right / n, n)
    assert (share.low, share.high) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert 0 <= share.low <= share.value <= share.high <= 1


def test_of_nothing_nothing_is_known():
    share = wilson(0, 0)
    assert (share.value, share.low, share.high, share.n) == (None, None, None, 0)
    assert cohens_kappa({}) is None
    assert mcnemar(0, 0) is None
    assert expected_calibration_error([Bin(0, 0.5, 0, None, None)]) is None


@pytest.mark.parametrize("seed", range(5))
def test_precision_recall_and_support_are_scikit_learns(seed):
    rng = np.random.default_rng(seed)
    labels = ["a", "b", "c", "never"]
    truth = rng.choice(["a", "b", "c"], 200)
    said = np.where(rng.random(200) < 0.6, truth, rng.choice(["a", "b", "c"], 200))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        precision, recall, _, support = precision_recall_fscore_support(truth, said, labels=labels)
    found = per_class(labels, Counter(zip(truth.tolist(), said.tolist(), strict=True)))
    assert [one.label for one in found] == labels
    assert [one.support for one in found] == support.tolist()
    assert [one.precision for one in found[:3]] == pytest.approx(precision[:3].tolist())
    assert [one.recall for one in found[:3]] == pytest.approx(recall[:3].tolist())
    assert (found[3].precision, found[3].recall) == (None, None)


@pytest.mark.parametrize("seed", range(5))
def test_kappa_is_scikit_learns(seed):
    rng = np.random.default_rng(seed)
    first = rng.choice(["a", "b", "c"], 150, p=[0.7, 0.2, 0.1])
    second = np.where(rng.random(150) < 0.5, first, rng.choice(["a", "b", "c"], 150))
    counts = {}
    for pair in zip(first.tolist(), second.tolist(), strict=True):
        counts[pair] = counts.get(pair, 0) + 1
    assert cohens_kappa(counts) == pytest.approx(cohen_kappa_score(first, second))


def test_kappa_of_one_word_only_is_not_known():
    assert cohens_kappa({("a", "a"): 30}) is None


@pytest.mark.parametrize(("one", "other"), [(0, 1), (5, 5), (3, 14), (400, 460)])
def test_mcnemar_is_the_binomial_test(one, other):
    assert mcnemar(one, other) == mcnemar(other, one) == pytest.approx(binomtest(one, one + other).pvalue)


def test_mcnemar_of_many_is_edwards_chi_squared():
    assert mcnemar(900, 1000) == pytest.approx(chi2.sf(99**2 / 1900, df=1))


def test_calibration_error_weighs_the_bins():
    bins = [Bin(0, 0.5, 10, 0.4, 0.6), Bin(0.5, 0.9, 0, None, None), Bin(0.9, 1, 30, 0.95, 0.9)]
    assert expected_calibration_error(bins) == pytest.approx((10 * 0.2 + 30 * 0.05) / 40)
