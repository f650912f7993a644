"""Render inputs and reviews on admin pages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from core.admin import render_json
from core.formatting import NOT_AVAILABLE, join_values, localize_number
from predictions.models import Input, Review
from predictions.presentation import format_text_start, format_true_output, is_pixelated

MAX_SHOWN_CHARACTERS = 120  # of a row of features in a list


def render_input(row: Input, side: int) -> str | SafeString:
    """Return a thumbnail, the features in one line, or the start of the text.

    The browser loads the thumbnail, so that a list opens no file.

    Args:
        side: width and height of the thumbnail in pixels.
    """
    if row.text is not None:
        return format_html("<bdi>{}</bdi>", format_text_start(row))
    if not row.has_image:
        return format_features(row.features)
    thumbnail = render_thumbnail(row, side)
    if row.features is None:
        return thumbnail
    return format_html('<div class="image-features">{}<span>{}</span></div>', thumbnail, format_features(row.features))


def render_whole_input(row: Input, side: int) -> str | SafeString:
    """Return an input for its own page: a thumbnail, all features as JSON, or the whole text."""
    if row.text is not None:
        return format_html('<div dir="auto" class="input-text">{}</div>', row.text)
    parts: list[tuple[SafeString]] = [(render_thumbnail(row, side),)] if row.has_image else []
    if row.features is not None:
        parts.append((render_json(dict(row.features)),))
    return format_html_join("", "{}", parts)


def render_thumbnail(row: Input, side: int) -> SafeString:
    address = reverse("predictions:thumbnail", args=[row.pk])
    css_class = "tiny" if is_pixelated(row) else ""
    image = '<img src="{}" alt="{}" class="{}" width="{}" height="{}" loading="lazy">'
    return format_html(image, address, gettext("Show"), css_class, side, side)


def format_features(features: Mapping[str, Any] | None) -> str:
    """Return features in one line, shortened if it is long."""
    text = join_values(f"{name}: {_format_value(value)}" for name, value in (features or {}).items())
    return text if len(text) <= MAX_SHOWN_CHARACTERS else text[: MAX_SHOWN_CHARACTERS - 1] + "…"


def _format_value(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False).replace('"', "")
    return localize_number(text) if isinstance(value, float) else text


def format_review(review: Review | None) -> str:
    """Return the verdict, and for an incorrect prediction the true label or value; a dash if there is no review."""
    if review is None:
        return NOT_AVAILABLE
    true_output = format_true_output(review)
    if review.verdict == Review.Verdict.INCORRECT and true_output:
        return gettext("%(verdict)s: %(output)s") % {"verdict": review.get_verdict_display(), "output": true_output}
    return review.get_verdict_display()
