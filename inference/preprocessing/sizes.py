"""Resize and crop images as Pillow, torchvision, and TensorFlow do."""

from __future__ import annotations

import numpy as np
from PIL import Image

from inference.errors import InvalidImage
from inference.preprocessing.deadline import TOO_COMPLEX_CODE
from inference.preprocessing.pixels import get_samples, is_sample_image
from inference.preprocessing.reduction import Reduction
from inference.preprocessing.target_size import Box, Size, get_fit_box, get_resized_size
from inference.signature import ImageInput
from inference.types import AnyArray, Array

# Of an image that is resized before it is cropped. A strip of 10,000 x 8 pixels with a shorter side of 256 would have 82
# million pixels, which take a gigabyte.
MAX_RESIZED_PIXELS = 25_000_000


def check_resized_size(size: Size, signature: ImageInput) -> None:
    """Check the size of an image after `resize`.

    Raises:
        InvalidImage: `too-complex`: the image is much longer than wide, and would become much larger.
    """
    width, height = get_resized_size(size, signature)
    if width * height > max(MAX_RESIZED_PIXELS, size[0] * size[1]):
        raise InvalidImage(
            f"The model enlarges this image of {size[0]:,} × {size[1]:,} pixels to {width:,} × {height:,}, which is too "
            "large. Crop the image to a less extreme aspect ratio.",
            code=TOO_COMPLEX_CODE,
        )


def to_sized_array(image: Image.Image, signature: ImageInput, reduction: Reduction) -> Array:
    """Return the pixels as float32 `(height, width, channels)` of the size that the model takes.

    Args:
        image: in the mode `L`, `RGB`, or `I;16`. The last has one channel, and is not rounded when it is resized.
        reduction: how the image was reduced when it was decoded. Sizes are those of the image before.
    """
    if is_sample_image(image):
        image = Image.fromarray(get_samples(image).astype(np.float32))
    target = (signature.width, signature.height)
    if signature.crop is None and signature.resize == "crop":
        return _fit_image(image, target, signature, reduction)
    if signature.resize == "pad" and not signature.antialias:
        return _resize_aliased(image, target, signature, _get_borders(image.size, target))
    array = _resize_image(image, get_resized_size(reduction.size, signature), signature, reduction.scale_box())
    if signature.resize == "pad":
        return _pad_array(array, target)
    return _crop_center(array, target) if signature.crop else array


def _fit_image(image: Image.Image, target: Size, signature: ImageInput, reduction: Reduction) -> Array:
    """Crop the image to the aspect ratio of the target around its center, and resize it."""
    if signature.antialias:
        return _resize_image(image, target, signature, reduction.scale_box(get_fit_box(reduction.size, target)))
    # As keras.utils.image_dataset_from_directory(crop_to_aspect_ratio=True): a box of whole pixels.
    width, height = image.size
    box_width = min(width, int(height * target[0] / target[1]))
    box_height = min(height, int(width * target[1] / target[0]))
    left, top = (width - box_width) // 2, (height - box_height) // 2
    return _resize_image(image.crop((left, top, left + box_width, top + box_height)), target, signature)


def _get_borders(size: Size, target: Size) -> Size:
    """Return the width and the height of the borders that `keras.layers.Resizing(pad_to_aspect_ratio=True)` adds."""
    width, height = size
    padded_width = max(width, int(height * target[0] / target[1]))
    padded_height = max(height, int(width * target[1] / target[0]))
    return (padded_width - width) // 2, (padded_height - height) // 2


def _resize_image(image: Image.Image, size: Size, signature: ImageInput, box: Box | None = None) -> Array:
    if image.size == size:
        return _to_array(image)
    if signature.antialias:
        return _to_array(image.resize(size, _get_filter(signature), box))
    return _resize_aliased(image, size, signature)


def _resize_aliased(image: Image.Image, size: Size, signature: ImageInput, borders: Size = (0, 0)) -> Array:
    """Return the image with another size, as `tf.image.resize` does.

    Args:
        borders: how many black pixels are added to the left and to the right, and at the top and at the bottom, before.
    """
    resize_axis = _repeat_nearest if signature.interpolation == "nearest" else _interpolate_axis
    return resize_axis(resize_axis(_to_array(image), 1, size[0], borders[0]), 0, size[1], borders[1])


def _get_filter(signature: ImageInput) -> Image.Resampling:
    return Image.Resampling[signature.interpolation.upper()]


def _interpolate_axis(array: Array, axis: int, length: int, border: int) -> Array:
    """Return the array with another length, interpolated between the two nearest values, as `tf.image.resize` does."""
    positions = _get_centers(array.shape[axis] + 2 * border, length) - np.float32(0.5)
    before = np.floor(positions).astype(np.intp)
    shares = (positions - before.astype(np.float32)).reshape(_get_axis_shape(array, axis))
    first, second = (_take_padded(array, index, axis, border) for index in (before, before + 1))
    blended: Array = first + (second - first) * shares
    return blended


def _repeat_nearest(array: Array, axis: int, length: int, border: int) -> Array:
    """Return the array with another length, filled with the nearest values, as `tf.image.resize` does."""
    nearest = np.floor(_get_centers(array.shape[axis] + 2 * border, length)).astype(np.intp)
    return _take_padded(array, nearest, axis, border)


def _take_padded(array: Array, index: AnyArray, axis: int, border: int) -> Array:
    """Return the values at positions of an axis with a border of zeros at both ends. The border is not built."""
    positions = index.clip(0, array.shape[axis] + 2 * border - 1) - border
    inside = positions.clip(0, array.shape[axis] - 1)
    taken: Array = array.take(inside, axis)
    return taken * (positions == inside).reshape(_get_axis_shape(array, axis)) if border else taken


def _get_axis_shape(array: Array, axis: int) -> list[int]:
    """Return the shape in which one number per position of the axis is broadcast to the array."""
    return [-1 if number == axis else 1 for number in range(array.ndim)]


def _get_centers(count: int, length: int) -> Array:
    """Return the positions of the centers of the new pixels in an axis of `count` pixels, in float32 as TensorFlow does."""
    scale = np.float32(count) / np.float32(length)
    centers: Array = (np.arange(length, dtype=np.float32) + np.float32(0.5)) * scale
    return centers


def _pad_array(array: Array, size: Size) -> Array:
    """Return the array of this size with zeros around it, as `PIL.ImageOps.pad` does."""
    missing = [side - count for side, count in zip(reversed(size), array.shape, strict=False)]
    before = [round(count * 0.5) for count in missing]
    return np.pad(array, [*((first, count - first) for first, count in zip(before, missing, strict=True)), (0, 0)])


def _crop_center(array: Array, size: Size) -> Array:
    """Return the center of the array, with zeros around a smaller one, as torchvision's `CenterCrop` does."""
    width, height = size
    missing = [max(0, side - count) for side, count in zip((height, width), array.shape, strict=False)]
    padded = np.pad(array, [*((count // 2, (count + 1) // 2) for count in missing), (0, 0)])
    top, left = (round((count - side) / 2) for count, side in zip(padded.shape, (height, width), strict=False))
    return padded[top : top + height, left : left + width]


def _to_array(image: Image.Image) -> Array:
    array: Array = np.array(image, np.float32)
    return array[..., None] if array.ndim == 2 else array
