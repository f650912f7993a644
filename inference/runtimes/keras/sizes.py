"""Derive from the layer `Resizing` how images are resized for a network that takes images of any size."""

from __future__ import annotations

from typing import Any

from inference.runtimes.keras.walk import list_operations
from inference.signature.image import ALIASED_INTERPOLATIONS

EARLIER_LAYERS = {"Cast", "Dropout", "Identity", "InputLayer", "Rescaling"}  # which commute with resizing


def find_size_keys(model: Any, tensor: Any = None) -> dict[str, Any]:
    """Return the keys of `[input]` that resize as the first layer of a network does; empty if that is unknown.

    Args:
        tensor: the input that takes the image; None for the only one.
    """
    shape = (model.inputs[0] if tensor is None else tensor).shape
    if len(shape) != 4 or shape[1:3] != (None, None):
        return {}
    for operation, _ in list_operations(model, tensor):
        name = type(operation).__name__
        if name == "Resizing":
            return _get_keys(operation)
        if name not in EARLIER_LAYERS and (not name.startswith("Random") or name == "RandomCrop"):
            return {}
    return {}


def _get_keys(layer: Any) -> dict[str, Any]:
    keeps_aspect = getattr(layer, "crop_to_aspect_ratio", False) or getattr(layer, "pad_to_aspect_ratio", False)
    is_aliased = layer.interpolation in ALIASED_INTERPOLATIONS and not getattr(layer, "antialias", False)
    if keeps_aspect or not is_aliased or layer.data_format != "channels_last":
        return {}
    size = {"height": int(layer.height), "width": int(layer.width)}
    return {**size, "interpolation": str(layer.interpolation), "antialias": False}
