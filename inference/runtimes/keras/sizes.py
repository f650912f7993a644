"""Derive from the layer `Resizing` how images are resized for a network that takes images of any size."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from inference.runtimes.keras.walk import list_operations
from inference.signature.image import ALIASED_INTERPOLATIONS

BLACK_SCALES = ("none", "unit", "stored")  # in which black pixels are 0, the number that the layer pads with
EARLIER_LAYERS = {"Cast", "Dropout", "Identity", "InputLayer", "Rescaling"}  # which commute with resizing


class ResizingKeys(NamedTuple):
    """The keys of `[input]` that resize as a layer does, or none, and a notice for the person who registers the model."""

    keys: dict[str, Any]
    notice: str = ""


def find_resizing(model: Any, tensor: Any = None, *, scale: str = "") -> ResizingKeys:
    """Return how to resize images as the first layer of a network does. Both are empty if it takes images of one size.

    Args:
        scale: how pixels are scaled for the network; empty if unknown.
        tensor: the input that takes the image; None for the only one.
    """
    shape = (model.inputs[0] if tensor is None else tensor).shape
    if len(shape) != 4 or shape[1:3] != (None, None):
        return ResizingKeys({})
    has_offset = False
    for operation, _ in list_operations(model, tensor):
        name = type(operation).__name__
        if name == "Resizing":
            return _describe_layer(operation, is_black_zero=scale in BLACK_SCALES and not has_offset)
        has_offset = has_offset or bool(np.any(getattr(operation, "offset", 0)))
        if name not in EARLIER_LAYERS and (not name.startswith("Random") or name == "RandomCrop"):
            return ResizingKeys({})
    return ResizingKeys({})


def _describe_layer(layer: Any, *, is_black_zero: bool) -> ResizingKeys:
    size = f"{layer.height} x {layer.width}"
    is_cropped, is_padded = (getattr(layer, f"{step}_to_aspect_ratio", False) for step in ("crop", "pad"))
    if option := _find_unsupported_option(layer, can_pad=is_black_zero and not getattr(layer, "fill_value", 0)):
        return ResizingKeys(
            {},
            f"size: not derived, because the layer Resizing to {size} with {option} resizes in a way that mlsite does not. "
            "Set height and width to the size of the images that you send. The network receives images of this size "
            "unchanged.",
        )
    keys = {"height": int(layer.height), "width": int(layer.width), "interpolation": str(layer.interpolation)}
    step = "cropped to its aspect ratio and " if is_cropped else "with a black border and " if is_padded else ""
    return ResizingKeys(
        keys | {"antialias": False} | ({"resize": "crop"} if is_cropped else {"resize": "pad"} if is_padded else {}),
        f"size: {size}, {step}without antialiasing, because of the layer Resizing.",
    )


def _find_unsupported_option(layer: Any, *, can_pad: bool) -> str:
    options = {name: getattr(layer, name, False) for name in ("antialias", *(() if can_pad else ("pad_to_aspect_ratio",)))}
    if layer.interpolation not in ALIASED_INTERPOLATIONS:
        options["interpolation"] = layer.interpolation
    if layer.data_format != "channels_last":
        options["data_format"] = layer.data_format
    return next((f"{name}={value}" for name, value in options.items() if value), "")
