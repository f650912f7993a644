"""Find images in which a model sees almost nothing."""

from __future__ import annotations

import numpy as np
from PIL import Image

from inference.preprocessing.arrays import NO_INK_KEY
from inference.preprocessing.images import has_16_bits
from inference.signature import ImageInput
from inference.types import Array, PredictionWarning

MIN_SPREAD = 5  # levels of 255 between the darkest and the brightest pixel of a channel; JPEG noise on paper has about 3
MIN_16_BIT_SPREAD = 32  # levels of 255: an eighth of the range
SAMPLE_STEP = 8  # pixels; checking one of 64 pixels first makes the check of ordinary images ten times as fast


def find_image_warnings(image: Image.Image, array: Array, signature: ImageInput) -> tuple[PredictionWarning, ...]:
    """Return warnings about an image whose pixels are almost equal, or whose 16-bit values use little of their range.

    Args:
        image: the decoded image.
        array: the model input, in the layout of the signature.
    """
    found = []
    if has_16_bits(image) and not signature.bits and _get_16_bit_spread(image) < MIN_16_BIT_SPREAD:
        found.append(
            PredictionWarning(
                "low-contrast",
                "The values of this 16-bit image use less than an eighth of their range, so the model sees little contrast. "
                "If the values have fewer bits, such as 12, register the model with bits = 12.",
            )
        )
    if image.info.get(NO_INK_KEY):
        found.append(
            PredictionWarning(
                "no-ink-found",
                "No ink was found in this image, so the model saw the whole image. Write one digit with a dark pen on light "
                "paper, and take the photo from closer up.",
            )
        )
    if _is_uniform(array, signature):
        found.append(
            PredictionWarning(
                "uniform-image",
                "After preprocessing, all pixels of this image are equal or nearly equal. The model saw an empty image.",
            )
        )
    return tuple(found)


def _is_uniform(array: Array, signature: ImageInput) -> bool:
    pixels = array if signature.layout == "channels-last" else array.transpose(1, 2, 0)
    min_spread = MIN_SPREAD * _get_level_sizes(signature)
    return _is_flat(pixels[::SAMPLE_STEP, ::SAMPLE_STEP], min_spread) and _is_flat(pixels, min_spread)


def _is_flat(pixels: Array, min_spread: Array) -> bool:
    return bool((np.ptp(pixels, axis=(0, 1)) < min_spread).all())


def _get_level_sizes(signature: ImageInput) -> Array:
    """Return the difference of two adjacent 8-bit levels in the model input, per channel."""
    scaled = {"unit": 1 / 255, "standard": 1 / 255, "symmetric": 1 / 127.5, "none": 1.0}
    size = scaled.get(signature.scale) or (2 ** (signature.bits or 8) - 1) / 255
    sizes: Array = np.abs(np.float32(size) / np.array(signature.std or [1], np.float32))
    return sizes


def _get_16_bit_spread(image: Image.Image) -> float:
    """Return the difference between the darkest and the brightest value, in 8-bit levels."""
    bands = [band for band in image.getbands() if band != "A"]
    extrema = image.getextrema() if len(image.getbands()) > 1 else (image.getextrema(),)
    pairs = np.array(extrema[: len(bands)], np.float64)
    return float(np.ptp(pairs)) / (256 if image.mode.startswith("I") else 1)
