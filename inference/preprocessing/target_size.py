"""The size to which an image is resized, and the part of it that the model gets."""

from __future__ import annotations

from typing import NamedTuple

from inference.signature import ImageInput

Size = tuple[int, int]
"""Width and height, in the order of Pillow."""


class Box(NamedTuple):
    """A part of an image, in pixels and fractions of them."""

    left: float
    top: float
    right: float
    bottom: float


def get_resized_size(size: Size, signature: ImageInput) -> Size:
    """Return the size of an image after `resize`, before `crop`."""
    if signature.resize == "none":
        return size
    if isinstance(signature.resize, int):
        return get_scaled_size(size, signature.resize)
    if isinstance(signature.resize, tuple):
        height, width = signature.resize
        return width, height
    target = (signature.width, signature.height)
    return get_contained_size(size, target) if signature.resize == "pad" and signature.antialias else target


def get_scaled_size(size: Size, shorter_side: int) -> Size:
    """Return the size with a shorter side of this length. The longer side is truncated, as by torchvision's `Resize`.

    https://github.com/pytorch/vision/blob/main/torchvision/transforms/functional.py, `_compute_resized_output_size`
    """
    width, height = size
    longer_side = int(shorter_side * max(size) / min(size))
    return (shorter_side, longer_side) if width <= height else (longer_side, shorter_side)


def get_contained_size(size: Size, target: Size) -> Size:
    """Return the largest size with the same aspect ratio that fits into the target, as `PIL.ImageOps.contain` does."""
    (width, height), (target_width, target_height) = size, target
    if width / height > target_width / target_height:
        return target_width, max(1, round(height / width * target_width))
    return max(1, round(width / height * target_height)), target_height


def get_fit_box(size: Size, target: Size) -> Box:
    """Return the largest part around the center with the aspect ratio of the target, as `PIL.ImageOps.fit` does."""
    width, height = size
    ratio = target[0] / target[1]
    fit_width = ratio * height if width / height > ratio else width
    fit_height = width / ratio if width / height < ratio else height
    left, top = (width - fit_width) * 0.5, (height - fit_height) * 0.5
    return Box(left, top, left + fit_width, top + fit_height)
