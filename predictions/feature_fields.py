"""Form fields of features: one field per feature of a signature."""

from __future__ import annotations

from collections.abc import Mapping
from math import floor, log10
from typing import Any

from django import forms
from django.utils.html import escape
from django.utils.translation import gettext

from core.formatting import format_bounds, format_exact, format_value
from inference.signature import Feature, TableInput
from inference.signature.reference_range import get_fences
from predictions.feature_ranges import describe_fences, describe_observed, describe_range


def get_field_name(index: int) -> str:
    """Return the name of the field of a feature. Feature names are arbitrary text, so fields are numbered."""
    return f"feature-{index}"


def get_initial_features(features: Mapping[str, Any], table: TableInput) -> dict[str, str]:
    """Return a row as the initial texts of FeaturesForm."""
    return {get_field_name(index): _format_text(features.get(name)) for index, name in enumerate(table.names)}


def _format_text(value: Any) -> str:
    return "" if value is None else format_value(value)


def format_field_label(feature: Feature) -> str:
    """Return the name of a feature with its unit: `Petal length (cm)`."""
    name = feature.display_name
    return name[:1].upper() + name[1:] + (f" ({feature.unit})" if feature.unit else "")


def build_field(feature: Feature) -> forms.CharField:
    return forms.CharField(
        label=format_field_label(feature),
        required=False,
        strip=False,
        widget=_build_widget(feature),
        help_text=escape(_build_help_text(feature)),
    )


def _build_widget(feature: Feature) -> forms.Widget:
    attrs: dict[str, Any] = {"required": True} if feature.required else {}
    if feature.type == "boolean" or feature.values:
        choices = [(_format_text(value), format_exact(value)) for value in feature.values]
        return forms.Select(
            attrs=attrs,
            choices=[("", _build_empty_choice(feature)), *(choices or [("true", gettext("Yes")), ("false", gettext("No"))])],
        )
    example = feature.example if feature.example is not None else feature.default
    if example is not None:
        attrs["placeholder"] = gettext("e.g. %(example)s") % {"example": format_exact(example)}
    if feature.type == "text":
        return forms.TextInput(attrs=attrs)
    if feature.type == "datetime":
        return forms.TextInput(attrs={**attrs, "type": "datetime-local", "step": "1"})
    bounds = {"min": feature.min, "max": feature.max}
    attrs |= {name: format_value(bound) for name, bound in bounds.items() if bound is not None}
    attrs |= _build_range_attributes(feature)
    return forms.NumberInput(attrs={**attrs, "step": "1" if feature.type == "integer" else "any"})


def _build_range_attributes(feature: Feature) -> dict[str, str]:
    """Return what the script needs to step in sensible units and to warn about unusual values."""
    attributes: dict[str, str] = {}
    if feature.observed:
        low, high = feature.observed
        attributes |= {"data-observed": f"{low!r} {high!r}", "data-outside": describe_observed(feature)}
    if fences := get_fences(feature):
        attributes |= {"data-fences": f"{fences[0]!r} {fences[1]!r}", "data-unusual": describe_fences(feature)}
    spread = feature.observed or feature.quartiles[::2]
    if spread and spread[1] > spread[0] and feature.type != "integer":
        attributes["data-step"] = f"{10.0 ** (floor(log10(spread[1] - spread[0])) - 1):.10g}"
    return attributes


def _build_empty_choice(feature: Feature) -> str:
    if feature.required:
        return gettext("(choose)")
    if feature.default is None:
        return gettext("(none)")
    return gettext("(default: %(value)s)") % {"value": format_exact(feature.default)}


def _build_help_text(feature: Feature) -> str:
    """Return the description, the allowed values, the default, and the reference range, as short sentences."""
    parts = [feature.description.strip()]
    if allowed := _describe_bounds(feature):
        parts.append(f"{allowed[:1].upper()}{allowed[1:]}.")
    if not feature.required and feature.default is None:
        parts.append(gettext("Optional."))
    elif not feature.required:
        parts.append(gettext("Default: %(value)s.") % {"value": format_exact(feature.default)})
    if reference := describe_range(feature):
        parts.append(f"{reference}.")
    return " ".join(part for part in parts if part)


def _describe_bounds(feature: Feature) -> str:
    """Return the allowed values, such as `whole number, 0 to 10`. Empty for features with a list of values."""
    if feature.values:
        return ""
    parts = (gettext("whole number") if feature.type == "integer" else "", format_bounds(feature.min, feature.max))
    return ", ".join(part for part in parts if part)
