"""Convert images to sRGB, and transparent pixels to their background."""

from __future__ import annotations

from contextlib import suppress
from io import BytesIO

from PIL import Image, ImageCms

from inference.preprocessing.decoder_errors import DECODER_ERRORS

PROFILE_KEY = "icc_profile"  # in `Image.info`
PROFILE_HEADER_BYTES, PROFILE_TAG_BYTES = 128, 12  # https://www.color.org/specification/ICC.1-2022-05.pdf, section 7
MAX_PROFILE_TAGS = 100  # that the color engine reads
FLOAT_TAGS = {b"D2B%d" % intent for intent in range(4)}  # section 9.2.22


def convert_to_srgb(image: Image.Image) -> Image.Image:
    """Return the image with the colors of its embedded ICC profile converted to sRGB, with its transparency.

    An image without a profile, or with an invalid one, is returned unchanged. Images with 16 bits per channel too, because
    the color engine takes 8 bits. Transforms in floating-point numbers are ignored. See `remove_float_transforms`.
    """
    data = image.info.get(PROFILE_KEY)
    if not data or image.mode.startswith("I"):
        return image
    with suppress(ImageCms.PyCMSError, *DECODER_ERRORS):
        profile = ImageCms.ImageCmsProfile(BytesIO(remove_float_transforms(data)))
        if not ImageCms.getProfileDescription(profile).startswith("sRGB"):
            return _convert_profile(image, profile)
    return image


def flatten_image(image: Image.Image, mode: str, background: str = "white") -> Image.Image:
    """Return the image in a mode without transparency: transparent pixels are composited on the background.

    Args:
        background: a color, or `none` to use the hidden colors of transparent pixels, as `Image.convert` does.
    """
    if image.has_transparency_data and background != "none":
        transparent = image.convert("RGBA")
        if transparent.getchannel("A").getextrema() == (255, 255):  # opaque; compositing takes three times as long
            return transparent.convert(mode)
        image = Image.alpha_composite(Image.new("RGBA", transparent.size, background), transparent)
    return image if image.mode == mode else image.convert(mode)


def remove_float_transforms(profile: bytes) -> bytes:
    """Return an ICC profile without its tags of transforms in floating-point numbers.

    Their steps are not limited: a profile of 8 KB took 4 seconds, whatever the size of the image. The color engine then uses
    the other transform of the profile, which readers of version 2 use too.
    """
    changed = bytearray(profile)
    count = int.from_bytes(profile[PROFILE_HEADER_BYTES : PROFILE_HEADER_BYTES + 4], "big")
    start = PROFILE_HEADER_BYTES + 4
    for position in range(start, start + min(count, MAX_PROFILE_TAGS) * PROFILE_TAG_BYTES, PROFILE_TAG_BYTES):
        if profile[position : position + 4] in FLOAT_TAGS:
            changed[position : position + 4] = b"none"
    return bytes(changed)


def _convert_profile(image: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    alpha = None
    if image.has_transparency_data:
        image = image if image.mode in ("RGBA", "LA") else image.convert("RGBA")
        alpha = image.getchannel("A")
        image = image.convert("L" if image.mode == "LA" else "RGB")
    elif image.mode in ("1", "P"):
        image = image.convert("L" if image.mode == "1" else "RGB")
    transform = ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), image.mode, "RGB")
    converted = transform.apply(image)
    if image.mode == "L":
        converted = converted.convert("L")
    if alpha:
        converted.putalpha(alpha)
    return converted
