"""Generate rows of features around the example values of a signature."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import ceil, floor, log10
from typing import Any

import numpy as np
import numpy.typing as npt

from inference.numbers import MAX_FLOAT, MAX_INTEGER
from inference.signature import Feature, TableInput
from inference.signature.feature import NUMBER_TYPES

Numbers = npt.NDArray[np.float64]

RELATIVE_SPREAD = 0.2  # standard deviation of a number, as a share of its example
DRIFT_SHIFT = 1.0  # shift of the first number at the end of the period, in standard deviations
TRUE_SHARE = 0.3  # of booleans
DATE_DAYS = 365  # after the example of a date
SPREAD_DIGITS = 4  # significant digits of the standard deviation to which numbers are rounded


def draw_features(table: TableInput, ages: Numbers, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Return a row of features per age: 0 at the start of the period, 1 at its end. The mean of the first number drifts."""
    numbers = (feature.name for feature in table.features if feature.type in NUMBER_TYPES and not feature.values)
    drifting = next(numbers, "")
    columns = [_draw_column(feature, ages * DRIFT_SHIFT * (feature.name == drifting), rng) for feature in table.features]
    return [dict(zip(table.names, row, strict=True)) for row in zip(*columns, strict=True)]


def _draw_column(feature: Feature, shifts: Numbers, rng: np.random.Generator) -> list[Any]:
    count = len(shifts)
    if feature.values:
        return [feature.values[index] for index in rng.integers(0, len(feature.values), count)]
    if feature.type == "boolean":
        return (rng.random(count) < TRUE_SHARE).tolist()
    if feature.type == "text":
        return [f"generated {number}" for number in rng.integers(0, 10**9, count)]
    if feature.type == "datetime":
        start = datetime.fromisoformat(str(feature.get_sample_value()))
        days = rng.integers(0, DATE_DAYS, count).tolist()
        return [(start + timedelta(days=number)).isoformat() for number in days]
    return _draw_numbers(feature, shifts, rng)


def _draw_numbers(feature: Feature, shifts: Numbers, rng: np.random.Generator) -> list[float] | list[int]:
    mean = float(feature.get_sample_value())
    spread = _get_spread(feature, mean)
    numbers = mean + spread * (rng.standard_normal(len(shifts)) + shifts)
    if feature.type == "integer":
        low, high = _get_bounds(feature, MAX_INTEGER)
        return np.clip(np.rint(numbers), ceil(low), floor(high)).astype(np.int64).tolist()
    decimals = SPREAD_DIGITS - 1 - floor(log10(spread))
    return np.clip(np.round(numbers, decimals), *_get_bounds(feature, MAX_FLOAT)).tolist()


def _get_spread(feature: Feature, mean: float) -> float:
    """Return the standard deviation of a number. If its mean is 0, it depends on the bounds."""
    low, high = feature.min or 0.0, feature.max or 0.0
    return RELATIVE_SPREAD * abs(mean) or RELATIVE_SPREAD * (high - low) or 1.0


def _get_bounds(feature: Feature, limit: float) -> tuple[float, float]:
    return (-limit if feature.min is None else feature.min, limit if feature.max is None else feature.max)
