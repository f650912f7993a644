"""The formulas of the metrics, compared with scikit-learn and SciPy on random data."""

import warnings
from collections import Counter

import numpy as np
import pytest
from scipy.stats import binomtest, t
from sklearn.metrics import cohen_kappa_score, confusion_matrix, precision_recall_fscore_support

from evaluation.statistics import (
    compute_calibration_error,
    compute_class_metrics,
    compute_confusion_matrix,
    compute_kappa,
    compute_mcnemar_p,
    compute_mean_margin,
    compute_wilson_interval,
)
from evaluation.types import CalibrationBin

LABELS = ["a", "b", "c", "never"]


def simulate_labels(seed):
    """Return the true and predicted labels of 200 inputs, and their counts by pair."""
    rng = np.random.default_rng(seed)
    true = rng.choice(LABELS[:3], 200)
    predicted = np.where(rng.random(200) < 0.6, true, rng.choice(LABELS[:3], 200))
    return true, predicted, Counter(zip(true.tolist(), predicted.tolist(), strict=True))


@pytest.mark.parametrize(("successes", "n"), [(0, 1), (1, 1), (0, 40), (40, 40), (3, 7), (731, 1000), (12, 90_000)])
def test_wilson_interval_equals_scipy(successes, n):
    expected = binomtest(successes, n).proportion_ci(confidence_level=0.95, method="wilson")
    share = compute_wilson_interval(successes, n)
    assert (share.value, share.n) == (successes / n, n)
    assert (share.low, share.high) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert 0 <= share.low <= share.value <= share.high <= 1


@pytest.mark.parametrize("n", [2, 3, 30, 1000])
def test_the_interval_of_a_mean_equals_scipy(n):
    numbers = np.random.default_rng(n).normal(3, 2, n)
    low, high = t.interval(0.95, n - 1, loc=numbers.mean(), scale=numbers.std(ddof=1) / n**0.5)
    assert compute_mean_margin(numbers.var(ddof=1), n) == pytest.approx((high - low) / 2)


def test_metrics_without_data_are_none():
    share = compute_wilson_interval(0, 0)
    assert (share.value, share.low, share.high, share.n) == (None, None, None, 0)
    assert compute_kappa({}) is None
    assert compute_mcnemar_p(0, 0) is None
    assert (compute_mean_margin(None, 0), compute_mean_margin(0.0, 1)) == (None, None)
    assert compute_calibration_error([CalibrationBin(0, 0.5, 0, None, None)]) is None


@pytest.mark.parametrize("seed", range(5))
def test_confusion_matrix_equals_scikit_learn(seed):
    true, predicted, counts = simulate_labels(seed)
    matrix = compute_confusion_matrix(LABELS, counts)
    assert matrix.labels == LABELS
    assert matrix.matrix == confusion_matrix(true, predicted, labels=LABELS).tolist()


@pytest.mark.parametrize("seed", range(5))
def test_precision_recall_and_support_equal_scikit_learn(seed):
    true, predicted, counts = simulate_labels(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        precision, recall, _, support = precision_recall_fscore_support(true, predicted, labels=LABELS)
    metrics = compute_class_metrics(LABELS, counts)
    assert [row.label for row in metrics] == LABELS
    assert [row.support for row in metrics] == support.tolist()
    assert [row.precision for row in metrics[:3]] == pytest.approx(precision[:3].tolist())
    assert [row.recall for row in metrics[:3]] == pytest.approx(recall[:3].tolist())
    assert (metrics[3].precision, metrics[3].recall) == (None, None)


@pytest.mark.parametrize("seed", range(5))
def test_kappa_equals_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    first = rng.choice(["a", "b", "c"], 150, p=[0.7, 0.2, 0.1])
    second = np.where(rng.random(150) < 0.5, first, rng.choice(["a", "b", "c"], 150))
    counts = Counter(zip(first.tolist(), second.tolist(), strict=True))
    assert compute_kappa(counts) == pytest.approx(cohen_kappa_score(first, second))


def test_kappa_is_undefined_if_there_is_a_single_rating():
    assert compute_kappa({("a", "a"): 30}) is None


@pytest.mark.parametrize(("first", "second"), [(0, 1), (5, 5), (3, 14), (400, 460), (900, 1000), (40_000, 41_000)])
def test_mcnemar_equals_the_binomial_test(first, second):
    expected = binomtest(first, first + second).pvalue
    assert compute_mcnemar_p(first, second) == compute_mcnemar_p(second, first) == pytest.approx(expected)


def test_mcnemar_counts_the_tosses_of_a_coin():
    assert compute_mcnemar_p(1, 9) == pytest.approx(2 * 11 / 1024)  # 2 * P(X <= 1) for ten tosses of a coin


def test_calibration_error_weights_bins_by_predictions():
    bins = [
        CalibrationBin(0, 0.5, 10, 0.4, 0.6),
        CalibrationBin(0.5, 0.9, 0, None, None),
        CalibrationBin(0.9, 1, 30, 0.95, 0.9),
    ]
    assert compute_calibration_error(bins) == pytest.approx((10 * 0.2 + 30 * 0.05) / 40)
