"""The range of a number in the training data, and how unusual a value is."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any, Literal

from inference.errors import InvalidSignature
from inference.messages import clean_name

if TYPE_CHECKING:
    from inference.signature.feature import Feature

FENCE_FACTOR = 1.5  # interquartile ranges; J. W. Tukey, Exploratory Data Analysis (1977)
Deviation = Literal["", "unusual", "outside"]
"""Outside the values of the training data, or only far from its quartiles. Empty for other values."""


def check_reference_range(feature: Feature, number_types: Sequence[str]) -> None:
    """Check `quartiles` and `observed` of a feature.

    Raises:
        InvalidSignature: they are not two and three numbers in ascending order, or contradict each other.
    """
    ranges: tuple[tuple[str, tuple[float, ...], int], ...] = (
        ("quartiles", feature.quartiles, 3),
        ("observed", feature.observed, 2),
    )
    for name, values, length in ranges:
        if values and feature.type not in number_types:
            raise InvalidSignature(f"Only numbers can have {name}. {clean_name(feature.name)} is of type {feature.type}.")
        is_valid = isinstance(values, tuple) and len(values) in (0, length) and all(map(_is_number, values))
        if not is_valid or list(values) != sorted(values):
            raise InvalidSignature(
                f"Expected {length} numbers in ascending order in {name} of {clean_name(feature.name)}. "
                f"Received: {values!r:.100}"
            )
    if feature.quartiles and feature.observed:
        low, high = feature.observed
        if feature.quartiles[0] < low or feature.quartiles[2] > high:
            raise InvalidSignature(
                f"Expected the quartiles of {clean_name(feature.name)} to be within observed. "
                f"Received: {list(feature.quartiles)} and {list(feature.observed)}"
            )


def get_fences(feature: Feature) -> tuple[float, float] | None:
    """Return the bounds of usual values: the quartiles, extended by 1.5 interquartile ranges. None without a spread."""
    if not feature.quartiles:
        return None
    first, _, third = feature.quartiles
    reach = FENCE_FACTOR * (third - first)
    return (first - reach, third + reach) if reach else None


def get_deviation(feature: Feature, value: Any) -> Deviation:
    """Return whether a value is unusual, compared with the training data. Empty if the range is not known."""
    if not _is_number(value):
        return ""
    if feature.observed and not feature.observed[0] <= value <= feature.observed[1]:
        return "outside"
    fences = get_fences(feature)
    return "unusual" if fences and not fences[0] <= value <= fences[1] else ""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
