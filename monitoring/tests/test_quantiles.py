"""Quantiles of many sorted arrays are those of NumPy."""

import numpy as np
import pytest

from monitoring import quantiles
from monitoring.quantiles import compute_quantiles

SHARES = (0, 0.05, 0.5, 0.95, 0.99, 1)


@pytest.mark.parametrize("limit", [1, 1000, 10**7])  # with many equal values, and with hardly any
@pytest.mark.parametrize("is_searched", [True, False])
def test_quantiles_are_exactly_those_of_all_values(limit, is_searched, monkeypatch):
    monkeypatch.setattr(quantiles, "MIN_SEARCHED_VALUES", 0 if is_searched else 10**9)
    rng = np.random.default_rng(limit)
    for count in range(1, 40):
        arrays = [np.sort(rng.integers(0, limit, rng.integers(0, 20))) for _ in range(count)]
        arrays.append(np.array([limit]))
        expected = np.quantile(np.concatenate(arrays) / 1000, SHARES).tolist()
        assert compute_quantiles(arrays, SHARES) == expected


def test_many_values_are_searched():
    rng = np.random.default_rng(3)
    arrays = [np.sort(np.rint(rng.lognormal(8, 0.6, 5000)).astype(np.int64)) for _ in range(5)]
    assert sum(map(len, arrays)) > quantiles.MIN_SEARCHED_VALUES
    assert compute_quantiles(arrays, SHARES) == np.quantile(np.concatenate(arrays) / 1000, SHARES).tolist()
