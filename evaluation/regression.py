"""Metrics of a version whose output is a value."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Any

from evaluation.sql.reviews import RESIDUAL_BINS, ErrorSums, sum_errors
from evaluation.statistics import divide
from evaluation.types import Regression, ResidualBin, Residuals


def evaluate_regression(summaries: tuple[str, Sequence[Any]], *, picked_by: str) -> tuple[int, Regression]:
    """Return the number of reviewed predictions, and their errors.

    R² is defined as in scikit-learn's `r2_score`: 1 minus the mean squared error divided by the variance of the true
    values. It is None for fewer than two predictions and if all true values are equal.
    """
    sums = sum_errors(summaries, picked_by=picked_by)
    unexplained = divide(sums.mean_squared or 0, sums.true_variance or 0) if sums.n > 1 else None
    return sums.reviewed, Regression(
        mae=sums.mean_absolute,
        rmse=None if sums.mean_squared is None else sqrt(sums.mean_squared),
        r2=None if unexplained is None else 1 - unexplained,
        n=sums.n,
        residuals=Residuals(sums.mean, _build_histogram(sums)),
    )


def _build_histogram(sums: ErrorSums) -> list[ResidualBin]:
    low, high = sums.low, sums.high
    if low is None or high is None:
        return []
    if low == high:
        return [ResidualBin(low, high, sums.n)]
    edges = [low + (high - low) * number / RESIDUAL_BINS for number in range(RESIDUAL_BINS + 1)]
    return [ResidualBin(edges[number], edges[number + 1], sums.histogram.get(number, 0)) for number in range(RESIDUAL_BINS)]
