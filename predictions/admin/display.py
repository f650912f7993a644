"""What all admin pages of the ledger share: nothing is edited, nothing is counted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from predictions.models import Input
from predictions.presentation import is_pixelated

ROW = 120  # characters of a row of features in a list


def input_of(row: Input, side: int) -> str | SafeString:
    """Return the thumbnail, which the browser fetches, so that a list opens no file; or the features."""
    if row.kind != Input.Kind.IMAGE:
        return row_of(row.features)
    address = reverse("predictions:thumbnail", args=[row.pk])
    tiny = "tiny" if is_pixelated(row) else ""
    picture = '<img src="{}" alt="" class="{}" width="{}" height="{}" loading="lazy">'
    return format_html(picture, address, tiny, side, side)


def row_of(features: Mapping[str, Any] | None) -> str:
    """Return a row of features in one line."""
    text = json.dumps(features or {}, ensure_ascii=False)[1:-1].replace('"', "")
    return text if len(text) <= ROW else text[: ROW - 1] + "…"
