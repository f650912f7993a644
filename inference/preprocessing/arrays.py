"""Convert decoded images to model input arrays."""

from __future__ import annotations

import numpy as np
from PIL import Image

from inference.preprocessing.images import translate_decoder_errors
from inference.preprocessing.ink import crop_ink
from inference.preprocessing.pixels import is_sample_image, to_pixels
from inference.preprocessing.reduction import get_reduction
from inference.preprocessing.sizes import check_resized_size, to_sized_array
from inference.preprocessing.slots import limit_large_images
from inference.signature import ImageInput
from inference.types import Array

NO_INK_KEY = "no_ink"  # in `Image.info`: `autocrop` found nothing


def to_array(image: Image.Image, signature: ImageInput) -> Array:
    """Return the model input: float32 `(height, width, channels)`, preprocessed as the signature defines.

    The image is rotated in place according to its EXIF orientation. It is converted to grayscale or RGB before it is
    resized, as `keras.utils.load_img` and torchvision's `default_loader` do. If `autocrop` finds no ink, the whole image is
    resized.

    Raises:
        InvalidImage: `invalid-image`: the image data is inconsistent, or its values exceed the declared bits. Some errors
            are found only during the conversion. `too-complex`: see `check_resized_size`.
    """
    with translate_decoder_errors(), limit_large_images(image):
        pixels = to_pixels(image, "L" if signature.channels == 1 else "RGB", signature)
        if signature.autocrop and pixels.size != (signature.width, signature.height):
            cropped = crop_ink(pixels, signature.width)
            image.info[NO_INK_KEY] = cropped is None
            if cropped is not None:
                return _scale_array(cropped, signature, 255)
        reduction = get_reduction(image, pixels.size)
        check_resized_size(reduction.size, signature)
        array = to_sized_array(pixels, signature, reduction)
    highest = 2**signature.bits - 1 if signature.bits and is_sample_image(pixels) else 255
    if array.shape != signature.shape:
        array = np.broadcast_to(array, signature.shape)
    return _scale_array(array, signature, highest)


def _scale_array(array: Array, signature: ImageInput, highest: int) -> Array:
    """Return the scaled values.

    Args:
        highest: the value of white.
    """
    if signature.order == "bgr":
        array = array[..., ::-1]
    if signature.scale in ("unit", "standard"):
        array = array / np.float32(highest)
    elif signature.scale == "symmetric":
        array = array / np.float32(highest / 2) - np.float32(1)
    else:
        array = array * np.float32(_get_white(signature) / highest)
    if signature.mean:
        array = array - np.array(signature.mean, np.float32)
    if signature.std:
        std: Array = np.array(signature.std, np.float32)
        array = array / std
    return array


def _get_white(signature: ImageInput) -> int:
    return 2**signature.bits - 1 if signature.scale == "stored" and signature.bits else 255
