"""Describe the reference ranges of features, and unusual values, for pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.utils.translation import gettext

from core.formatting import format_rounded
from inference.signature import Feature
from inference.signature.reference_range import Deviation, get_deviation


class UnusualValue(NamedTuple):
    """A value that is outside the training data (`outside`), or far from its quartiles (`unusual`)."""

    name: str
    deviation: Deviation
    message: str


def describe_range(feature: Feature) -> str:
    """Return the range of a feature in the training data, such as `Training data: 4.3 to 7.9, half 5.1 to 6.4`."""
    low, high = (_format(number) for number in feature.observed or ("", ""))
    first, third = (_format(number) for number in feature.quartiles[::2] or ("", ""))
    values = {"low": low, "high": high, "first": first, "third": third}
    if feature.observed and feature.quartiles:
        return gettext("Training data: %(low)s to %(high)s, half of it %(first)s to %(third)s") % values
    if feature.observed:
        return gettext("Training data: %(low)s to %(high)s") % values
    if feature.quartiles:
        return gettext("Training data: half of it %(first)s to %(third)s") % values
    return ""


def describe_observed(feature: Feature) -> str:
    """Return a message for a value outside the training data."""
    low, high = (_with_unit(number, feature) for number in feature.observed)
    return gettext("Outside the training data, which has values from %(low)s to %(high)s.") % {"low": low, "high": high}


def describe_fences(feature: Feature) -> str:
    """Return a message for a value far from the quartiles of the training data."""
    low, high = (_with_unit(number, feature) for number in feature.quartiles[::2])
    return gettext("Unusual: half of the training data is between %(low)s and %(high)s.") % {"low": low, "high": high}


def describe_deviation(feature: Feature, value: Any) -> str:
    """Return a message about an unusual value; empty for other values."""
    deviation = get_deviation(feature, value)
    if not deviation:
        return ""
    return describe_observed(feature) if deviation == "outside" else describe_fences(feature)


def list_unusual_values(features: tuple[Feature, ...], row: Mapping[str, Any] | None) -> list[UnusualValue]:
    """Return the unusual values of a row, those outside the training data first."""
    if not row:
        return []
    found = [
        UnusualValue(feature.display_name, deviation, describe_deviation(feature, row.get(feature.name)))
        for feature in features
        if (deviation := get_deviation(feature, row.get(feature.name)))
    ]
    return sorted(found, key=lambda value: value.deviation != "outside")


def _format(number: Any) -> str:
    return format_rounded(float(number)) if number != "" else ""


def _with_unit(number: float, feature: Feature) -> str:
    return f"{_format(number)} {feature.unit}".strip()
