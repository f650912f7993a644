"""Convert stored images to thumbnails, and to normalized images for training."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image

from inference.preprocessing.colors import convert_to_srgb, flatten_image
from inference.preprocessing.images import STORED_LIMITS, mark_16_bits, open_image, translate_decoder_errors
from inference.preprocessing.pixels import (
    GRAYSCALE_PREFIXES,
    apply_orientation,
    get_samples,
    is_sample_image,
    reduce_bits,
    to_pixels,
)
from inference.preprocessing.slots import limit_large_images
from inference.signature import ImageInput

MIN_VISIBLE_SPREAD = 8  # levels of 255 between the darkest and the brightest pixel


def make_thumbnail(data: bytes, side: int) -> bytes:
    """Return a WebP image of at most `side` x `side` pixels in sRGB, upright, and without metadata.

    Values of a 16-bit image are scaled by the bits that they use. Transparent pixels are white, or black if nothing would
    be visible on white.

    Args:
        data: an image that `read_image` has accepted.
    """
    with (
        translate_decoder_errors(),
        open_image(data, STORED_LIMITS) as image,
        limit_large_images(image),
    ):
        apply_orientation(image)
        small = _to_8_bits(image)
        small.thumbnail((side, side))
        small.load()  # before the file is closed
        small = _flatten_visibly(convert_to_srgb(small))
    clean = Image.new("RGB", small.size)
    clean.paste(small)
    out = BytesIO()
    clean.save(out, "WEBP", quality=85)
    return out.getvalue()


def normalize_image(data: bytes, signature: ImageInput) -> Image.Image:
    """Return the image at full size as the model receives it before resizing: upright, opaque, and in grayscale or RGB.

    Training code that reads the stored file would drop the alpha channel and see the hidden colors instead. The image is
    rebuilt from its pixels, so it has no metadata. It has 8 bits, or its 16 bits if the model takes more than 8.

    Args:
        data: an image that `read_image` has accepted.

    Raises:
        InvalidImage: the image can no longer be decoded, or does not have the bits that the model takes.
    """
    with (
        translate_decoder_errors(data),
        open_image(data, STORED_LIMITS) as image,
        limit_large_images(image),
    ):
        mark_16_bits(image)
        pixels = to_pixels(image, "L" if image.mode.startswith(GRAYSCALE_PREFIXES) else "RGB", signature)
        if is_sample_image(pixels):
            return Image.fromarray(get_samples(pixels).astype(np.uint16))
        return Image.frombytes(pixels.mode, pixels.size, pixels.tobytes())


def _to_8_bits(image: Image.Image) -> Image.Image:
    """Return the image in a mode with 8 bits that can be resized, with its transparency and color profile."""
    if is_sample_image(image):
        return reduce_bits(image, int(get_samples(image).max()).bit_length())
    if image.has_transparency_data:
        return image if image.mode in ("RGBA", "LA") else image.convert("RGBA")
    return image.convert("RGB") if image.mode == "P" else image.convert("L") if image.mode == "1" else image


def _flatten_visibly(image: Image.Image) -> Image.Image:
    flat = flatten_image(image, "RGB")
    if image.has_transparency_data and np.ptp(np.asarray(flat), axis=(0, 1)).max() < MIN_VISIBLE_SPREAD:
        return flatten_image(image, "RGB", "black")
    return flat
