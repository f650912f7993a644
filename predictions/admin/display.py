"""Render inputs and reviews on admin pages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core.formatting import NOT_AVAILABLE
from predictions.models import Input, Review
from predictions.presentation import format_true_output, is_pixelated

MAX_SHOWN_CHARACTERS = 120  # of a row of features in a list


def render_input(row: Input, side: int) -> str | SafeString:
    """Return a thumbnail, or the features in one line. The browser loads the thumbnail, so that a list opens no file.

    Args:
        side: width and height of the thumbnail in pixels.
    """
    if row.kind != Input.Kind.IMAGE:
        return format_features(row.features)
    address = reverse("predictions:thumbnail", args=[row.pk])
    css_class = "tiny" if is_pixelated(row) else ""
    image = '<img src="{}" alt="" class="{}" width="{}" height="{}" loading="lazy">'
    return format_html(image, address, css_class, side, side)


def format_features(features: Mapping[str, Any] | None) -> str:
    """Return features in one line, shortened if it is long."""
    text = json.dumps(features or {}, ensure_ascii=False)[1:-1].replace('"', "")
    return text if len(text) <= MAX_SHOWN_CHARACTERS else text[: MAX_SHOWN_CHARACTERS - 1] + "…"


def format_review(review: Review | None) -> str:
    """Return the verdict, and for an incorrect prediction the true label or value; a dash if there is no review."""
    if review is None:
        return NOT_AVAILABLE
    true_output = format_true_output(review)
    if review.verdict == Review.Verdict.INCORRECT and true_output:
        return f"{review.get_verdict_display()}: {true_output}"
    return review.get_verdict_display()
