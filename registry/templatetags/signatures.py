"""Template filters for the features of a signature."""

from __future__ import annotations

from django import template

from core.formatting import format_value
from inference.signature import Feature

register = template.Library()


@register.filter
def allowed_values(feature: Feature) -> str:
    """Return the values that a feature accepts."""
    if feature.values:
        return ", ".join(format_value(value) for value in feature.values)
    low, high = feature.min, feature.max
    if low is not None and high is not None:
        return f"{low:g} to {high:g}"
    return f"{low:g} or more" if low is not None else f"up to {high:g}" if high is not None else "any"


@register.filter
def if_missing(feature: Feature) -> str:
    """Return the effect of a missing feature: its default, a rejection, or a missing value."""
    if feature.default is not None:
        return format_value(feature.default)
    return "rejected" if feature.required else "missing value"
