"""The form field of a feature: its widget, its label, and its help text."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.html import escape

from core.formatting import format_value
from inference.signature import Feature


def format_text(value: Any) -> str:
    """Return a value as the text of a form field; empty for None."""
    return "" if value is None else format_value(value)


def build_feature_field(feature: Feature) -> forms.CharField:
    """Return the form field of a feature, with its allowed values and its default."""
    name = feature.display_name
    return forms.CharField(
        label=name[:1].upper() + name[1:] + (f" ({feature.unit})" if feature.unit else ""),
        required=False,
        strip=False,
        widget=_build_widget(feature),
        help_text=escape(_build_help_text(feature)),
    )


def _build_widget(feature: Feature) -> forms.Widget:
    attrs: dict[str, Any] = {"required": True} if feature.required else {}
    if feature.type == "boolean" or feature.values:
        choices = [(format_text(value), format_text(value)) for value in feature.values]
        return forms.Select(
            attrs=attrs, choices=[("", _build_empty_choice(feature)), *(choices or [("true", "Yes"), ("false", "No")])]
        )
    example = feature.example if feature.example is not None else feature.default
    if example is not None:
        attrs["placeholder"] = f"e.g. {format_text(example)}"
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
    return "(none)" if feature.default is None else f"(default: {_format_default(feature)})"


def _build_help_text(feature: Feature) -> str:
    """Return the description, the allowed values and the default, as short sentences."""
    parts = [feature.description.strip()]
    if allowed := _describe_bounds(feature):
        parts.append(f"{allowed[:1].upper()}{allowed[1:]}.")
    if not feature.required:
        parts.append("Optional." if feature.default is None else f"Default: {_format_default(feature)}.")
    return " ".join(part for part in parts if part)


def _describe_bounds(feature: Feature) -> str:
    """Return the allowed values, such as `whole number, 0 to 10`. Empty for features with a list of values."""
    if feature.values:
        return ""
    low, high = (None if bound is None else format_text(bound) for bound in (feature.min, feature.max))
    bounds = f"{low} to {high}" if low and high else f"{low} or more" if low else f"{high} or less" if high else ""
    return ", ".join(part for part in ("whole number" if feature.type == "integer" else "", bounds) if part)


def _format_default(feature: Feature) -> str:
    if feature.type == "boolean" and not feature.values:
        return "Yes" if feature.default else "No"
    return format_text(feature.default)
