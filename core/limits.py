"""Limits of inputs, from the settings."""

from __future__ import annotations

from django.conf import settings

from inference.preprocessing import ImageLimits


def get_image_limits() -> ImageLimits:
    """Return the configured limits for uploaded images."""
    return ImageLimits(
        max_bytes=settings.MAX_UPLOAD_BYTES,
        max_pixels=settings.MAX_IMAGE_PIXELS,
        max_decode_seconds=settings.MAX_DECODE_SECONDS,
        max_decodes=settings.MAX_DECODES_PER_USER,
    )
