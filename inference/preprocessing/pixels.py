"""Convert a decoded image to plain pixels: upright, opaque, and grayscale or RGB."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
from PIL import ExifTags, Image, ImageOps

from inference.errors import InvalidImage
from inference.preprocessing.colors import convert_to_srgb, flatten_image
from inference.preprocessing.decoder_errors import DECODER_ERRORS
from inference.preprocessing.exif import PROFILE_KEY, check_image_exif
from inference.preprocessing.images import has_16_bits
from inference.signature import ImageInput
from inference.types import AnyArray

GRAYSCALE_PREFIXES = ("1", "L", "I")  # of Pillow modes without color
ORIENTATION_KEYS = {"exif", PROFILE_KEY, "xmp", "XML:com.adobe.xmp"}  # of the information that Pillow reads from a PNG file


def to_pixels(image: Image.Image, mode: str, signature: ImageInput) -> Image.Image:
    """Return the image at its own size, in the mode `L` or `RGB`, or as `I;16` if it has 16 bits and `bits` is set.

    The image is rotated in place according to its EXIF orientation.

    Raises:
        InvalidImage: the image has values above the declared bits, or 16 bits per color.
    """
    apply_orientation(image)
    if has_16_bits(image) and signature.bits:
        _check_samples(image, signature.bits)
        return image
    colored = convert_to_srgb(image) if signature.color == "srgb" else image
    return flatten_image(reduce_bits(colored), mode, signature.background)


def apply_orientation(image: Image.Image) -> None:
    """Rotate the image in place according to its EXIF orientation. Unreadable EXIF data is ignored."""
    if image.format == "PNG":
        image.load()  # EXIF data can follow the pixels
        if image.info.keys().isdisjoint(ORIENTATION_KEYS):
            return  # Pillow would search for 10 µs
    check_image_exif(image)
    with suppress(*DECODER_ERRORS):
        if exif := image.getexif():  # also from XMP
            for tag in set(exif) - {ExifTags.Base.Orientation}:  # otherwise all values are parsed and written
                del exif[tag]
            ImageOps.exif_transpose(image, in_place=True)


def reduce_bits(image: Image.Image, bits: int = 16) -> Image.Image:
    """Return a 16-bit grayscale image with 8 bits per value, and other images unchanged.

    Args:
        bits: how many low bits of the values are used.
    """
    if not is_sample_image(image):
        return image
    samples = get_samples(image)
    return Image.fromarray((samples >> (bits - 8) if bits > 8 else samples).clip(0, 255).astype(np.uint8))


def get_samples(image: Image.Image) -> AnyArray:
    """Return the values of a 16-bit grayscale image."""
    samples: AnyArray = np.asarray(image)
    return samples


def is_sample_image(image: Image.Image) -> bool:
    """Return whether the image is a 16-bit grayscale image, which `Image.convert` would clip instead of scale."""
    return image.mode.startswith("I")


def _check_samples(image: Image.Image, bits: int) -> None:
    if not is_sample_image(image):
        raise InvalidImage(
            "The image has 16 bits per color channel, of which the decoder keeps 8, but the model takes values of "
            f"{bits} bits. Send a 16-bit grayscale PNG, or an image with 8 bits per channel."
        )
    highest = int(get_samples(image).max())
    if highest >= 2**bits:
        raise InvalidImage(f"Expected values of {bits} bits, up to {2**bits - 1}. The image has values up to {highest}.")
