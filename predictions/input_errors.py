"""Describe rejected inputs in the language of the page. The messages of `inference` are in English, as those of the API."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from core.formatting import format_bounds, format_bytes, format_count, format_exact
from inference.errors import MAX_LISTED_ERRORS, InferenceError, InvalidFeatures, InvalidInput
from inference.messages import clean_name, quote_value
from inference.signature import Feature
from registry.presentation import TYPE_NAMES

MAX_LISTED_VALUES = 12
PIXELS_PER_MEGAPIXEL = 1_000_000
# By the code of the error.
TEXTS: dict[str, Any] = {
    "empty-file": _("The file is empty. Send a JPEG, PNG, or WebP image."),
    "file-too-large": _("The file is too large. The limit is %(bytes)s."),
    "invalid-image": _("The file is not an image, or the image is damaged. Send a JPEG, PNG, or WebP image."),
    "unsupported-image-format": _("This image format is not supported. Send a JPEG, PNG, or WebP image."),
    "truncated-image": _("The image is incomplete: the end of the file is missing. Send it again."),
    "animated-image": _("Animated images are not supported. Send an image with a single frame."),
    "too-many-pixels": _("The image has too many pixels. The limit is %(megapixels)s megapixels."),
    "too-small": _("The image is too small."),
    "too-complex": _("Decoding the image takes too long. Open it in an image editor, and save it again."),
    "overloaded": _("The server is overloaded. Try again in a moment."),
}


def describe_error(error: Exception, name: str = "") -> str:
    """Return what is wrong with an image or with the request. In English, this is the message of the error.

    Args:
        name: of the file, if there are several.
    """
    text = "" if _is_english() or not isinstance(error, InferenceError) else TEXTS.get(error.code, "")
    limits = {
        "bytes": format_bytes(settings.MAX_UPLOAD_BYTES),
        "megapixels": format_count(settings.MAX_IMAGE_PIXELS // PIXELS_PER_MEGAPIXEL),
    }
    message = str(text) % limits if text else str(error)
    return f"{name}: {message}" if name else message


def describe_feature_error(error: InvalidInput, feature: Feature, value: str) -> str:
    """Return what is wrong with the value of a feature. In English, this is the message of the error, which has hints too.

    Args:
        value: as the user wrote it.
    """
    if error.code == "required":
        return gettext("This field is required.")
    if _is_english():
        return error.message
    values = {"expected": _describe_expected(feature), "value": quote_value(value)}
    return gettext("Expected: %(expected)s. Received: %(value)s.") % values


def describe_row_error(error: InvalidInput, features: Iterable[Feature]) -> str:
    """Return what is wrong with a row of a table. In English, this is the message of the error.

    Args:
        features: of the table; empty for an error that is not one of values.
    """
    by_name = {feature.name: feature for feature in features}
    problems = error.errors if isinstance(error, InvalidFeatures) else []
    if _is_english() or not problems or any(problem.field not in by_name for problem in problems):
        return error.message
    text = gettext("%(name)s: expected %(expected)s.")
    expected = [(clean_name(problem.field), _describe_expected(by_name[problem.field])) for problem in problems]
    return " ".join(text % {"name": name, "expected": values} for name, values in expected[:MAX_LISTED_ERRORS])


def describe_text_error(error: InvalidInput, max_length: int) -> str:
    """Return what is wrong with a text. In English, this is the message of the error."""
    if _is_english() or error.code != "too-long":
        return error.message
    return gettext("Expected a text of at most %(limit)s characters.") % {"limit": format_count(max_length)}


def _describe_expected(feature: Feature) -> str:
    """Return the type of a feature, its unit, and its limits."""
    if feature.values:
        more = ", …" if len(feature.values) > MAX_LISTED_VALUES else ""
        return ", ".join(format_exact(value) for value in feature.values[:MAX_LISTED_VALUES]) + more
    bounds = format_bounds(feature.min, feature.max)
    return ", ".join(filter(None, [str(TYPE_NAMES.get(feature.type, feature.type)), f"{bounds} {feature.unit}".strip()]))


def _is_english() -> bool:
    return (get_language() or settings.LANGUAGE_CODE).startswith("en")
