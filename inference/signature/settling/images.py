"""What an artifact says of the image that it takes."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

from inference.errors import InvalidSignature
from inference.signature.settling.words import FILE, listed, sizes
from inference.types import ArtifactFacts, Tensor

CHANNELS = (1, 3)
ORDERS = {"channels-last": ("height", "width", "channels"), "channels-first": ("channels", "height", "width")}
TOO_SMALL = ("bool", "int8")  # for 0 to 255


def image_of(facts: ArtifactFacts, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the artifact says of the image it takes, and over it what was given.

    Pixels stay as they are, 0 to 255, where the artifact takes whole numbers: the usual scale would make them 0 and 1.

    Raises:
        InvalidSignature: when it takes no image, or another.
    """
    if not facts.inputs:
        return dict(given)
    if len(facts.inputs) > 1 or not 1 <= len(facts.inputs[0].shape) <= 3:
        raise InvalidSignature(f"Expected a model that takes one image. It takes {listed(facts.inputs)}.")
    tensor = facts.inputs[0]
    return _sizes_of(tensor, given.get("layout")) | _scale_of(tensor, given.get("scale")) | dict(given)


def check_shape(facts: ArtifactFacts, taken: Any) -> None:
    """Refuse an image of another size or layout than the artifact's.

    Args:
        taken: an `ImageInput`.

    Raises:
        InvalidSignature: with both shapes.
    """
    if not facts.inputs:
        return
    shape = facts.inputs[0].shape
    named = dict(zip(("height", "width", "channels"), taken.shape, strict=True))
    ours = tuple(named[name] for name in ORDERS[taken.layout])
    if len(shape) == 1:
        ours = (prod(ours),)
    elif len(shape) == 2 and taken.channels == 1 and taken.layout == "channels-last":
        ours = ours[:2]
    if len(ours) != len(shape) or any(size not in (None, own) for size, own in zip(shape, ours, strict=True)):
        raise InvalidSignature(
            f"{FILE} says an array of {sizes(ours)} ({taken.layout}), and the artifact says {sizes(shape)}."
        )


def _sizes_of(tensor: Tensor, layout: Any) -> dict[str, Any]:
    shape = tensor.shape
    if len(shape) == 1:  # an image laid flat
        return {}
    if len(shape) == 2:
        return {name: size for name, size in zip(("height", "width"), shape, strict=True) if size} | {"channels": 1}
    if layout in ORDERS and shape[ORDERS[layout].index("channels")] not in (*CHANNELS, None):
        raise InvalidSignature(
            f'{FILE} says layout = "{layout}", an array of ({", ".join(ORDERS[layout])}), '
            f"and the artifact takes {sizes(shape)}."
        )
    if layout not in ORDERS:
        layout = "channels-first" if shape[0] in CHANNELS and shape[2] not in CHANNELS else "channels-last"
    known = {name: size for name, size in zip(ORDERS[layout], shape, strict=True) if size is not None}
    return known | {"layout": layout}


def _scale_of(tensor: Tensor, scale: Any) -> dict[str, Any]:
    if tensor.dtype in ("str", *TOO_SMALL):
        raise InvalidSignature(
            f"Expected an input that holds the values 0 to 255 of a pixel. The artifact takes {listed([tensor])}."
        )
    if not tensor.dtype.startswith(("int", "uint")):
        return {}
    if scale not in (None, "none"):
        raise InvalidSignature(
            f"{FILE} says scale = {scale!r}, which gives fractions, and the artifact takes whole numbers: "
            f"{listed([tensor])}. Leave scale out, or say 'none'."
        )
    return {"scale": "none"}
