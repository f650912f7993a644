"""Derive from the layer `Resizing` how images are resized for a network that takes images of any size."""

from __future__ import annotations

from typing import Any, NamedTuple

from inference.runtimes.keras.walk import list_operations
from inference.signature.image import ALIASED_INTERPOLATIONS

EARLIER_LAYERS = {"Cast", "Dropout", "Identity", "InputLayer", "Rescaling"}  # which commute with resizing


class ResizingKeys(NamedTuple):
    """The keys of `[input]` that resize as a layer does, or none, and a notice for the person who registers the model."""

    keys: dict[str, Any]
    notice: str = ""


def find_resizing(model: Any, tensor: Any = None) -> ResizingKeys:
    """Return how to resize images as the first layer of a network does. Both are empty if it takes images of one size.

    Args:
        tensor: the input that takes the image; None for the only one.
    """
    shape = (model.inputs[0] if tensor is None else tensor).shape
    if len(shape) != 4 or shape[1:3] != (None, None):
        return ResizingKeys({})
    for operation, _ in list_operations(model, tensor):
        name = type(operation).__name__
        if name == "Resizing":
            return _describe_layer(operation)
        if name not in EARLIER_LAYERS and (not name.startswith("Random") or name == "RandomCrop"):
            return ResizingKeys({})
    return ResizingKeys({})


def _describe_layer(layer: Any) -> ResizingKeys:
    size = f"{layer.height} x {layer.width}"
    is_cropped = getattr(layer, "crop_to_aspect_ratio", False)
    if option := _find_unsupported_option(layer):
        return ResizingKeys(
            {},
            f"size: not derived, because the layer Resizing to {size} with {option} resizes in a way that mlsite does not. "
            "Set height and width to the size of the images that you send. The network receives images of this size "
            "unchanged.",
        )
    keys = {"height": int(layer.height), "width": int(layer.width), "interpolation": str(layer.interpolation)}
    cropped = "cropped to its aspect ratio and " if is_cropped else ""
    return ResizingKeys(
        keys | {"antialias": False} | ({"resize": "crop"} if is_cropped else {}),
        f"size: {size}, {cropped}without antialiasing, because of the layer Resizing.",
    )


def _find_unsupported_option(layer: Any) -> str:
    options = {name: getattr(layer, name, False) for name in ("pad_to_aspect_ratio", "antialias")}
    if layer.interpolation not in ALIASED_INTERPOLATIONS:
        options["interpolation"] = layer.interpolation
    if layer.data_format != "channels_last":
        options["data_format"] = layer.data_format
    return next((f"{name}={value}" for name, value in options.items() if value), "")
