"""Convert decoded images to model input arrays, thumbnails, and normalized images."""

from __future__ import annotations

from contextlib import suppress
from io import BytesIO

import numpy as np
from PIL import Image, ImageOps

from inference.preprocessing.images import DECODER_ERRORS, DECODERS, limit_large_images, translate_decoder_errors
from inference.signature import ImageInput
from inference.types import Array

GRAYSCALE_PREFIXES = ("1", "L", "I")  # of Pillow modes without color


def to_array(image: Image.Image, signature: ImageInput) -> Array:
    """Return the model input: float32 `(height, width, channels)`, upright, resized, and scaled.

    Transparent pixels are composited on white. 16-bit images are reduced to 8 bits. Resizing is bilinear with
    anti-aliasing. The image is rotated in place according to its EXIF orientation.

    Raises:
        InvalidImage: `invalid-image`: the image data is inconsistent. Some errors are found only during the conversion.
    """
    size = (signature.width, signature.height)
    with translate_decoder_errors(), limit_large_images(image):
        _apply_orientation(image)
        converted = _remove_palette(image)
        if signature.resize == "crop":
            converted = ImageOps.fit(converted, size, Image.Resampling.BILINEAR)
        elif converted.size != size:
            converted = converted.resize(size, Image.Resampling.BILINEAR)
        flat = _flatten_image(converted, "L" if signature.channels == 1 else "RGB")
    return _scale_array(np.array(flat, np.float32).reshape(signature.shape), signature)


def make_thumbnail(data: bytes, side: int) -> bytes:
    """Return a WebP image of at most `side` x `side` pixels, upright, and without metadata.

    Args:
        data: an image that `read_image` has accepted.
    """
    with (
        translate_decoder_errors(),
        Image.open(BytesIO(data), formats=DECODERS) as image,
        limit_large_images(image),
    ):
        _apply_orientation(image)
        small = _remove_palette(image)
        small.thumbnail((side, side))
        small = _flatten_image(small, "RGB")
    clean = Image.new("RGB", small.size)
    clean.paste(small)
    out = BytesIO()
    clean.save(out, "WEBP", quality=85)
    return out.getvalue()


def normalize_image(data: bytes) -> Image.Image:
    """Return the image at full size as a model receives it before resizing: upright, with 8 bits, in grayscale or RGB.

    Transparent pixels are composited on white, as for predictions. Training code that reads the stored file would
    drop the alpha channel and see the hidden colors instead. The image is rebuilt from its pixels, so it has no metadata.

    Args:
        data: an image that `read_image` has accepted.

    Raises:
        InvalidImage: the image can no longer be decoded.
    """
    with (
        translate_decoder_errors(data),
        Image.open(BytesIO(data), formats=DECODERS) as image,
        limit_large_images(image),
    ):
        _apply_orientation(image)
        flat = _flatten_image(_remove_palette(image), "L" if image.mode.startswith(GRAYSCALE_PREFIXES) else "RGB")
        return Image.frombytes(flat.mode, flat.size, flat.tobytes())


def _apply_orientation(image: Image.Image) -> None:
    """Rotate the image in place according to its EXIF orientation. Unreadable EXIF data is ignored."""
    with suppress(*DECODER_ERRORS):
        ImageOps.exif_transpose(image, in_place=True)


def _remove_palette(image: Image.Image) -> Image.Image:
    """Return the image in a mode that can be resized, with its transparency."""
    if image.mode.startswith("I"):  # 16-bit grayscale, which convert() would clip instead of scale
        return Image.fromarray((np.asarray(image) >> 8).clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        return image if image.mode in ("RGBA", "LA") else image.convert("RGBA")
    return image.convert("RGB") if image.mode in ("P", "CMYK") else image.convert("L") if image.mode == "1" else image


def _flatten_image(image: Image.Image, mode: str) -> Image.Image:
    """Return the image in this mode, with transparent pixels composited on white."""
    if image.has_transparency_data:
        transparent = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", transparent.size, "white"), transparent)
    return image if image.mode == mode else image.convert(mode)


def _scale_array(array: Array, signature: ImageInput) -> Array:
    if signature.order == "bgr":
        array = array[..., ::-1]
    if signature.scale == "unit":
        return array / np.float32(255)
    if signature.scale == "symmetric":
        return array / np.float32(127.5) - np.float32(1)
    if signature.scale == "standard":
        array = array / np.float32(255)
    if signature.mean:
        array -= np.array(signature.mean, np.float32)
    if signature.std:
        array /= np.array(signature.std, np.float32)
    return array
