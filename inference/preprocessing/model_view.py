"""Show the input that a model received as an image."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image

from inference.preprocessing.arrays import to_array
from inference.signature import ImageInput
from inference.types import Array


def draw_model_input(image: Image.Image, signature: ImageInput) -> bytes:
    """Return the preprocessed image as a PNG, with its values mapped back to 0 to 255.

    Args:
        image: as `read_image` returned it for this signature.

    Raises:
        InvalidImage: see `to_array`.
    """
    pixels = _restore_levels(to_array(image, signature), signature).round().clip(0, 255).astype(np.uint8)
    out = BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(out, "PNG")
    return out.getvalue()


def _restore_levels(array: Array, signature: ImageInput) -> Array:
    """Return RGB or gray levels: the reverse of the scaling."""
    if signature.std:
        array = array * np.array(signature.std, np.float32)
    if signature.mean:
        array = array + np.array(signature.mean, np.float32)
    if signature.scale in ("unit", "standard"):
        array = array * np.float32(255)
    elif signature.scale == "symmetric":
        array = (array + np.float32(1)) * np.float32(127.5)
    elif signature.scale == "stored" and signature.bits:
        array = array * np.float32(255 / (2**signature.bits - 1))
    return array[..., ::-1] if signature.order == "bgr" else array
