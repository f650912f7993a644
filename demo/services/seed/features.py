"""Made-up rows of features, around what the signature says is usual."""

from __future__ import annotations

from math import ceil, floor, log10
from typing import Any

import numpy as np
import numpy.typing as npt

from inference.numbers import MAX_FLOAT, MAX_INTEGER
from inference.signature import Feature, TableInput
from inference.signature.feature import NUMBER_TYPES

Numbers = npt.NDArray[np.float64]

SPREAD = 0.2  # standard deviation of a number, as a share of its usual value
SHIFT = 1.0  # how far the first number's mean has moved at the end of the days, in standard deviations
TRUE = 0.3  # share of the answers yes
DIGITS = 4  # of a number's spread that are kept


def draw_rows(taken: TableInput, ages: Numbers, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Return one row for each age: 0 at the beginning of the days, 1 at their end."""
    moving = next((one.name for one in taken.features if one.type in NUMBER_TYPES and not one.values), "")
    columns = [_column(one, ages * SHIFT * (one.name == moving), rng) for one in taken.features]
    return [dict(zip(taken.names, row, strict=True)) for row in zip(*columns, strict=True)]


def _column(feature: Feature, shifts: Numbers, rng: np.random.Generator) -> list[Any]:
    count = len(shifts)
    if feature.values:
        return [feature.values[number] for number in rng.integers(0, len(feature.values), count)]
    if feature.type == "boolean":
        return (rng.random(count) < TRUE).tolist()
    if feature.type == "text":
        return [f"made up {number}" for number in rng.integers(0, 10**9, count)]
    return _numbers(feature, shifts, rng)


def _numbers(feature: Feature, shifts: Numbers, rng: np.random.Generator) -> list[float] | list[int]:
    usual = float(feature.get_sample_value())
    spread = _spread(feature, usual)
    found = usual + spread * (rng.standard_normal(len(shifts)) + shifts)
    if feature.type == "integer":
        low, high = _bounds(feature, MAX_INTEGER)
        return np.clip(np.rint(found), ceil(low), floor(high)).astype(np.int64).tolist()
    return np.clip(np.round(found, DIGITS - 1 - floor(log10(spread))), *_bounds(feature, MAX_FLOAT)).tolist()


def _spread(feature: Feature, usual: float) -> float:
    """Return the standard deviation of a number; of one that is usually 0 by its bounds."""
    low, high = feature.min or 0.0, feature.max or 0.0
    return SPREAD * abs(usual) or SPREAD * (high - low) or 1.0


def _bounds(feature: Feature, most: float) -> tuple[float, float]:
    return (-most if feature.min is None else feature.min, most if feature.max is None else feature.max)
