"""Template filters for the features of a signature."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from django import template
from django.utils.translation import gettext

from core.formatting import format_bounds, format_exact
from inference.signature import Feature, ImageInput

register = template.Library()

SHOWN_KEYS = ("scale", "resize")  # even if they have the default
HIDDEN_KEYS = ("kind", "height", "width", "channels")  # shown elsewhere
DEFAULTS = {field.name: field.default for field in fields(ImageInput)}


@register.filter
def allowed_values(feature: Feature) -> str:
    """Return the values that a feature accepts."""
    if feature.values:
        return ", ".join(format_exact(value) for value in feature.values)
    return format_bounds(feature.min, feature.max) or gettext("any")


@register.filter
def image_steps(image_input: ImageInput) -> str:
    """Return the preprocessing of an image in one line, with the keys of `model.toml`, without most defaults."""
    return ", ".join(
        f"{key} {_format_setting(value)}" for key, value in image_input.to_dict().items() if _is_step(key, value)
    )


@register.filter
def if_missing(feature: Feature) -> str:
    """Return the effect of a missing feature: its default, a rejection, or a missing value."""
    if feature.default is not None:
        return format_exact(feature.default)
    return gettext("rejected") if feature.required else gettext("missing value")


def _is_step(key: str, value: Any) -> bool:
    return key not in HIDDEN_KEYS and (key in SHOWN_KEYS or value != DEFAULTS[key])


def _format_setting(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"[{', '.join(f'{number:g}' for number in value)}]" if isinstance(value, list) else str(value)
