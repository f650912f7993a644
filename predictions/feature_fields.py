"""Form fields of features: one field per feature of a signature."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.html import escape

from core.formatting import format_value
from inference.signature import Feature, TableInput


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
        choices = [(_format_text(value), _format_text(value)) for value in feature.values]
        return forms.Select(
            attrs=attrs, choices=[("", _build_empty_choice(feature)), *(choices or [("true", "Yes"), ("false", "No")])]
        )
    example = feature.example if feature.example is not None else feature.default
    if example is not None:
        attrs["placeholder"] = f"e.g. {_format_text(example)}"
    if feature.type == "text":
        return forms.TextInput(attrs=attrs)
    if feature.type == "datetime":
        return forms.TextInput(attrs={**attrs, "type": "datetime-local", "step": "1"})
    bounds = {"min": feature.min, "max": feature.max}
    attrs |= {name: bound for name, bound in bounds.items() if bound is not None}
    return forms.NumberInput(attrs={**attrs, "step": "1" if feature.type == "integer" else "any"})


def _build_empty_choice(feature: Feature) -> str:
    if feature.required:
        return "(choose)"
    return "(none)" if feature.default is None else f"(default: {_format_text(feature.default)})"


def _build_help_text(feature: Feature) -> str:
    """Return the description, the allowed values and the default, as short sentences."""
    parts = [feature.description.strip()]
    if allowed := _describe_bounds(feature):
        parts.append(f"{allowed[:1].upper()}{allowed[1:]}.")
    if not feature.required:
        parts.append("Optional." if feature.default is None else f"Default: {_format_text(feature.default)}.")
    return " ".join(part for part in parts if part)


def _describe_bounds(feature: Feature) -> str:
    """Return the allowed values, such as `whole number, 0 to 10`. Empty for features with a list of values."""
    if feature.values:
        return ""
    low, high = (None if bound is None else _format_text(bound) for bound in (feature.min, feature.max))
    bounds = f"{low} to {high}" if low and high else f"{low} or more" if low else f"{high} or less" if high else ""
    return ", ".join(part for part in ("whole number" if feature.type == "integer" else "", bounds) if part)
