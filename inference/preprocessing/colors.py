"""Convert images to sRGB, and transparent pixels to their background."""

from __future__ import annotations

from contextlib import suppress
from io import BytesIO

from PIL import Image, ImageCms

from inference.preprocessing.decoder_errors import DECODER_ERRORS

PROFILE_KEY = "icc_profile"  # in `Image.info`


def convert_to_srgb(image: Image.Image) -> Image.Image:
    """Return the image with the colors of its embedded ICC profile converted to sRGB, with its transparency.

    An image without a profile, or with an invalid one, is returned unchanged. Images with 16 bits per channel too, because
    the color engine takes 8 bits.
    """
    data = image.info.get(PROFILE_KEY)
    if not data or image.mode.startswith("I"):
        return image
    with suppress(ImageCms.PyCMSError, *DECODER_ERRORS):
        profile = ImageCms.ImageCmsProfile(BytesIO(data))
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
