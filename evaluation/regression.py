"""The errors of a version whose answers are numbers."""

from __future__ import annotations

from math import sqrt

from django.db.models import QuerySet

from evaluation.metrics import Regression, ResidualBin, Residuals
from evaluation.sql import RESIDUAL_BINS, Errors, sum_errors
from evaluation.statistics import ratio


def regression_of(reviews: QuerySet, picked_by: str) -> tuple[int, Regression]:
    """Return how many answers were judged, and their errors.

    R2 is 1 less the squared errors by the truths' own variance, as scikit-learn has it; unknown of less than two, or when
    all truths are the same.
    """
    errors = sum_errors(reviews, picked_by=picked_by)
    unexplained = ratio(errors.squared or 0, errors.variance or 0) if errors.n > 1 else None
    return errors.reviewed, Regression(
        mae=errors.absolute,
        rmse=None if errors.squared is None else sqrt(errors.squared),
        r2=None if unexplained is None else 1 - unexplained,
        n=errors.n,
        residuals=Residuals(errors.mean, _histogram(errors)),
    )


def _histogram(errors: Errors) -> list[ResidualBin]:
    low, high = errors.low, errors.high
    if low is None or high is None:
        return []
    if low == high:
        return [ResidualBin(low, high, errors.n)]
    edges = [low + (high - low) * place / RESIDUAL_BINS for place in range(RESIDUAL_BINS + 1)]
    return [ResidualBin(edges[n], edges[n + 1], errors.histogram.get(n, 0)) for n in range(RESIDUAL_BINS)]
