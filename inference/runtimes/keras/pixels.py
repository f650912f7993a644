"""Derive from the first layers of a network how its pixels must be scaled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from inference.runtimes.keras.walk import list_steps

Numbers = npt.NDArray[np.float64]

PIXEL_RANGES = {"none": (0.0, 255.0), "unit": (0.0, 1.0), "symmetric": (-1.0, 1.0)}
"""The range of pixels by scale."""
DEEP_BITS = (10, 12, 14, 16)
"""Bits of the values in 16-bit images."""
LAYER_RANGES = ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0))
"""The ranges that the layers after the scaling take."""
RANGE_TOLERANCE = 0.02  # relative to the width of the range: 1/256 instead of 1/255
MIN_WIDTH, MAX_WIDTH = 0.5, 24.0  # of 0 to 255 in standard deviations
MIN_CENTERED_MEAN = 20.0  # of means that are subtracted from 0 to 255, such as 103.939
IMAGENET_STD = (0.229, 0.224, 0.225)
OPERATIONS = ("Add", "Subtract", "Multiply", "Divide", "TrueDivide")


@dataclass(frozen=True, slots=True)
class PixelScale:
    """A scale with the keys of `[input]`, and the layer that determines it."""

    scale: str
    layer: str
    bits: int = 0


@dataclass(frozen=True, slots=True)
class Affine:
    """The function `factor * x + offset` of the pixels, with one number or one per channel or pixel."""

    factor: Numbers
    offset: Numbers

    def scale(self, factor: Any) -> Affine:
        return Affine(self.factor * np.asarray(factor, np.float64), self.offset * np.asarray(factor, np.float64))

    def shift(self, offset: Any) -> Affine:
        return Affine(self.factor, self.offset + np.asarray(offset, np.float64))


def find_pixel_scale(model: Any, tensor: Any = None) -> PixelScale | None:
    """Return how pixels must be scaled for a network that begins by scaling them itself, or None if it is unknown.

    Args:
        tensor: the input that takes the image; None for the only one.

    The first layers are reduced to one affine function. If it maps exactly one of the known ranges of pixels to a range
    that networks are trained with, this is the scale.
    """
    try:
        return _reduce_steps(model, tensor)
    except (TypeError, ValueError, AttributeError):
        return None  # an operation with arguments that are not numbers


def get_image_keys(pixels: PixelScale) -> dict[str, Any]:
    """Return the keys of `[input]`. A mean in `model.toml` or in a preset would be subtracted a second time."""
    if pixels.bits:
        return {"scale": pixels.scale, "bits": pixels.bits}
    return {"scale": pixels.scale, **({"mean": [], "std": []} if pixels.scale == "none" else {})}


def _reduce_steps(model: Any, tensor: Any) -> PixelScale | None:
    affine, names = Affine(np.ones(1), np.zeros(1)), []
    for operation, arguments in list_steps(model, tensor):
        following = _apply(affine, operation, arguments)
        if following is None:
            break
        affine = following
        names.append(_describe(operation, arguments))
        scale, bits = _match_range(affine), _match_deep_range(affine)
        if scale or bits:
            layer = names[-1] if len(names) == 1 else " and ".join([names[0], names[-1]])
            return PixelScale(scale, layer) if scale else PixelScale("stored", layer, bits)
    scale = _match_spread(affine) if names else ""
    return PixelScale(scale, " and ".join(names[:2])) if scale else None


def _apply(affine: Affine, operation: Any, arguments: Any) -> Affine | None:
    """Return the function after an operation, or None if the operation is not affine."""
    name = type(operation).__name__
    if not type(operation).__module__.startswith("keras."):
        return _apply_legacy(affine, operation, arguments)
    if name == "Rescaling":
        return affine.scale(operation.scale).shift(operation.offset)
    if name == "Normalization":
        if operation.invert:
            return None
        mean, variance = (np.asarray(numbers, np.float64) for numbers in (operation.mean, operation.variance))
        return affine.shift(-mean).scale(1 / np.maximum(np.sqrt(variance), 1e-7))
    if name in OPERATIONS and arguments is not None:
        return _apply_arithmetic(affine, name, arguments)
    return None


def _apply_legacy(affine: Affine, operation: Any, arguments: Any) -> Affine | None:
    """Apply an operation of a Keras 2 network, which is a layer with the name of a TensorFlow function."""
    functions = {"math.add": "Add", "math.subtract": "Subtract", "math.multiply": "Multiply", "math.truediv": "TrueDivide"}
    functions |= {"math.divide": "TrueDivide", "nn.bias_add": "Add"}
    name = functions.get(getattr(operation, "function_name", "").replace("__operators__", "math"), "")
    return _apply_arithmetic(affine, name, arguments) if name and arguments is not None else None


def _apply_arithmetic(affine: Affine, name: str, arguments: Any) -> Affine | None:
    left, right = _get_operands(arguments)
    if right is None or not _is_constant(right):
        if left is None or not _is_constant(left) or name not in ("Add", "Multiply", "Subtract"):
            return None
        if name == "Subtract":
            return affine.scale(-1).shift(left)
        right = left
    constant = np.asarray(right, np.float64)
    if name in ("Add", "Subtract"):
        return affine.shift(constant if name == "Add" else -constant)
    return affine.scale(constant if name == "Multiply" else 1 / constant)


def _get_operands(arguments: Any) -> tuple[Any, Any]:
    values = [*arguments.args, *(arguments.kwargs.get(key) for key in ("x1", "x2", "y", "bias") if key in arguments.kwargs)]
    return (values[0], values[1]) if len(values) == 2 else (None, None)


def _is_constant(value: Any) -> bool:
    return isinstance(value, int | float | list) or (hasattr(value, "__array__") and not hasattr(value, "_keras_history"))


def _match_range(affine: Affine) -> str:
    """Return the only scale whose pixels are mapped to one of the usual ranges, or an empty string."""
    matches = [
        scale
        for scale, pixels in PIXEL_RANGES.items()
        if any(pixels != ends and _maps_range(affine, pixels, ends) for ends in LAYER_RANGES)
    ]
    return matches[0] if len(matches) == 1 else ""


def _match_deep_range(affine: Affine) -> int:
    """Return the number of bits of the values that are mapped to one of the usual ranges; 0 if there is none."""
    matches = [bits for bits in DEEP_BITS if any(_maps_range(affine, (0.0, 2.0**bits - 1), ends) for ends in LAYER_RANGES)]
    return matches[0] if len(matches) == 1 else 0


def _maps_range(affine: Affine, pixels: tuple[float, float], ends: tuple[float, float]) -> bool:
    tolerance = RANGE_TOLERANCE * (ends[1] - ends[0])
    return all(
        bool(np.all(np.abs(affine.factor * pixel + affine.offset - end) <= tolerance))
        for pixel, end in zip(pixels, ends, strict=True)
    )


def _match_spread(affine: Affine) -> str:
    """Return the scale if the pixels are centered, or divided by a standard deviation that only one scale can have."""
    usable = np.broadcast_arrays(affine.factor, affine.offset)
    factor, offset = (float(np.median(numbers[np.abs(usable[0]) < 1e6])) for numbers in usable)
    width = 255 * factor
    if MIN_WIDTH <= width <= MAX_WIDTH and -MAX_WIDTH / 2 <= offset <= 1:
        return "none"
    if abs(factor - 1) < RANGE_TOLERANCE and -255 <= offset <= -MIN_CENTERED_MEAN:
        return "none"
    if affine.factor.size == len(IMAGENET_STD) and np.allclose(1 / affine.factor.ravel(), IMAGENET_STD, rtol=0.05):
        return "unit"
    return ""


def _describe(operation: Any, arguments: Any) -> str:
    """Return the layer as in source code: `Rescaling(scale=1/255)`."""
    name = type(operation).__name__
    if name == "Rescaling":
        offset = "" if np.all(np.asarray(operation.offset) == 0) else f", offset={_format_number(operation.offset)}"
        return f"Rescaling(scale={_format_number(operation.scale)}{offset})"
    if name == "Normalization":
        return "Normalization"
    left, right = _get_operands(arguments)
    constant = right if right is not None and _is_constant(right) else left
    return f"{getattr(operation, 'function_name', '') or name}({_format_number(constant)})"


def _format_number(value: Any) -> str:
    numbers = np.asarray(value, np.float64).ravel()
    if numbers.size != 1:
        return f"{numbers.size} numbers"
    number = float(numbers[0])
    inverse = round(1 / number, 6) if number else 0.0
    return f"1/{inverse:g}" if 0 < number < 0.1 and inverse * 2 == round(inverse * 2) else f"{number:g}"
