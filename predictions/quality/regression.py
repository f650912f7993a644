"""The errors of a version whose answers are numbers."""

from __future__ import annotations

from math import sqrt
from typing import Any

from django.db.models import Avg, Count, F, Max, Min, Value, Variance
from django.db.models.functions import Abs, Floor, Least

from predictions.quality.findings import Regression, ResidualBin, Residuals
from predictions.quality.formulas import ratio

BINS = 20  # of residuals


def regression_of(reviews: Any) -> Regression:
    """Return the errors of values. R2 as scikit-learn has it: 1 less the squared errors by the truth's own spread."""
    error = F("prediction__value") - F("true_value")
    rows = reviews.counting().filter(true_value__isnull=False).annotate(error=error)
    sums = rows.aggregate(
        n=Count("pk"),
        mae=Avg(Abs("error")),
        mse=Avg(F("error") * F("error")),
        mean=Avg("error"),
        spread=Variance("true_value"),
        low=Min("error"),
        high=Max("error"),
    )
    share = ratio(sums["mse"], sums["spread"]) if sums["n"] > 1 else None
    return Regression(
        mae=sums["mae"],
        rmse=None if sums["mse"] is None else sqrt(sums["mse"]),
        r2=None if share is None else 1 - share,
        n=sums["n"],
        residuals=Residuals(sums["mean"], _histogram(rows, sums["low"], sums["high"])),
    )


def _histogram(rows: Any, low: float | None, high: float | None) -> list[ResidualBin]:
    if low is None or high is None:
        return []
    width = (high - low) / BINS
    if not width:
        return [ResidualBin(low, high, rows.count())]
    place = Least(Floor((F("error") - low) / width), Value(BINS - 1.0))
    counts = dict(rows.annotate(place=place).values_list("place").annotate(n=Count("pk")))
    return [ResidualBin(low + n * width, low + (n + 1) * width, counts.get(n, 0)) for n in range(BINS)]
