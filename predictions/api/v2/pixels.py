"""Convert a tensor of pixels to image files, which lose nothing."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

import numpy as np
from django.core.files.base import ContentFile, File
from PIL import Image

from core.limits import get_image_limits
from inference.types import AnyArray
from predictions.api.v2.tensors import Tensor, make_tensor_error

PIXEL_DATATYPES = ("UINT8", "UINT16")
EXPECTED = (
    "Send image files (JPEG, PNG, or WebP) as BYTES, or pixels before any scaling as UINT8 of shape "
    "[-1, height, width, channels] with 1, 3, or 4 channels (grayscale, RGB, RGBA)."
)
COMPRESSION_LEVEL = 1  # of zlib: fast


def make_image_files(tensor: Tensor) -> Iterator[File]:
    """Yield a PNG file for each image of a tensor of pixels. UINT16 is grayscale with 16 bits.

    Raises:
        InvalidInput: the tensor does not contain pixels.
    """
    if tensor.datatype not in PIXEL_DATATYPES or not isinstance(tensor.data, np.ndarray):
        raise make_tensor_error(tensor.name, f"{tensor.datatype} is not a datatype of images. {EXPECTED}")
    shape = tensor.shape if len(tensor.shape) == 4 else (*tensor.shape, 1)
    channels = (1,) if tensor.datatype == "UINT16" else (1, 3, 4)
    if len(shape) != 4 or shape[3] not in channels:
        raise make_tensor_error(tensor.name, f"Shape {list(tensor.shape)} is not a shape of images. {EXPECTED}")
    _check_sides(tensor, shape[1], shape[2])
    for pixels in tensor.data.reshape(shape):
        yield _make_file(pixels[:, :, 0] if shape[3] == 1 else pixels)


def _check_sides(tensor: Tensor, height: int, width: int) -> None:
    """Check the size of the images before they are encoded. It is checked again when they are decoded."""
    limits = get_image_limits()
    if min(height, width) < limits.min_side or max(height, width) > limits.max_side or height * width > limits.max_pixels:
        raise make_tensor_error(
            tensor.name,
            f"Expected images of {limits.min_side} to {limits.max_side:,} pixels per side and at most "
            f"{limits.max_pixels / 1_000_000:,.10g} megapixels. Received: {width:,} × {height:,} pixels.",
        )


def _make_file(pixels: AnyArray) -> File:
    out = BytesIO()
    native = np.ascontiguousarray(pixels, pixels.dtype.newbyteorder("="))
    Image.fromarray(native).save(out, "PNG", compress_level=COMPRESSION_LEVEL)
    return ContentFile(out.getvalue())
