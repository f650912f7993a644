"""From a decoded image to the array that a model takes, and to a thumbnail."""

from __future__ import annotations

from contextlib import suppress
from io import BytesIO

import numpy as np
from PIL import Image, ImageOps

from inference.preprocessing.reading import DECODER_ERRORS, DECODERS, decoding, room_for
from inference.signature import ImageInput
from inference.types import Array

GREY = ("1", "L", "I")  # how the modes begin that know no colour


def to_array(image: Image.Image, signature: ImageInput) -> Array:
    """Return the image as the model takes it: `(height, width, channels)` float32, upright, resized and scaled.

    Transparency is laid on white. Sixteen bits are cut to eight. Resizing is bilinear with antialiasing. The image itself
    is turned upright on the way.

    Raises:
        InvalidImage: `invalid-image`, when it contradicts itself in a way that shows only now.
    """
    size = (signature.width, signature.height)
    with decoding(), room_for(image):
        _turn_upright(image)
        direct = _without_palette(image)
        if signature.resize == "crop":
            direct = ImageOps.fit(direct, size, Image.Resampling.BILINEAR)
        elif direct.size != size:
            direct = direct.resize(size, Image.Resampling.BILINEAR)
        flat = _flatten(direct, "L" if signature.channels == 1 else "RGB")
    return _scale(np.asarray(flat, np.float32).reshape(signature.shape), signature)


def thumbnail(data: bytes, side: int) -> bytes:
    """Return a WebP picture of at most `side` x `side` pixels, upright, re-encoded, without metadata.

    Args:
        data: an image that `read_image` has accepted before.
    """
    with decoding(), Image.open(BytesIO(data), formats=DECODERS) as image, room_for(image):
        _turn_upright(image)
        small = _without_palette(image)
        small.thumbnail((side, side))
        small = _flatten(small, "RGB")
    clean = Image.new("RGB", small.size)
    clean.paste(small)
    out = BytesIO()
    clean.save(out, "WEBP", quality=85)
    return out.getvalue()


def plain_picture(data: bytes) -> Image.Image:
    """Return all pixels of an image as a model is shown them, before any resizing: upright, 8 bits, grey or RGB.

    Transparency is laid on white, as it is for the model; readers of files for training drop it and uncover what is beneath.
    The picture is made anew from the pixels, so that no metadata comes along.

    Args:
        data: an image that `read_image` has accepted before.

    Raises:
        InvalidImage: when it is not decoded any more.
    """
    with decoding(data), Image.open(BytesIO(data), formats=DECODERS) as image, room_for(image):
        _turn_upright(image)
        flat = _flatten(_without_palette(image), "L" if image.mode.startswith(GREY) else "RGB")
        return Image.frombytes(flat.mode, flat.size, flat.tobytes())


def _turn_upright(image: Image.Image) -> None:
    """Turn the image as its EXIF orientation says; EXIF that cannot be read turns nothing."""
    with suppress(*DECODER_ERRORS):
        ImageOps.exif_transpose(image, in_place=True)


def _without_palette(image: Image.Image) -> Image.Image:
    """Return the image in a mode that can be resized; its transparency is kept."""
    if image.mode.startswith("I"):  # 16 bits grey, which convert() would clip instead of scale
        return Image.fromarray((np.asarray(image) >> 8).clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        return image if image.mode in ("RGBA", "LA") else image.convert("RGBA")
    return image.convert("RGB") if image.mode in ("P", "CMYK") else image.convert("L") if image.mode == "1" else image


def _flatten(image: Image.Image, mode: str) -> Image.Image:
    if image.has_transparency_data:
        clear = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear)
    return image if image.mode == mode else image.convert(mode)


def _scale(array: Array, signature: ImageInput) -> Array:
    if signature.scale == "unit":
        return array / np.float32(255)
    if signature.scale == "symmetric":
        return array / np.float32(127.5) - np.float32(1)
    if signature.scale == "standard":
        mean, std = (np.array(numbers, np.float32) for numbers in (signature.mean, signature.std))
        return (array / np.float32(255) - mean) / std
    return array
