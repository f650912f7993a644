"""Infer the image input from the artifact and `model.toml`."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

from inference.errors import InvalidSignature
from inference.signature.image import ImageInput
from inference.signature.infer.messages import MANIFEST_NAME, format_shape, format_tensors
from inference.signature.presets import expand_preset
from inference.types import ArtifactMetadata, Tensor

CHANNEL_COUNTS = (1, 3)
AXES = {"channels-last": ("height", "width", "channels"), "channels-first": ("channels", "height", "width")}
UNSUITABLE_DTYPES = ("str", "bool", "int8")  # cannot hold 0 to 255

UNKNOWN_SCALE_MESSAGE = (
    f"Expected scale in [input] of {MANIFEST_NAME}, or --scale: the artifact does not define how pixels are scaled. "
    "Look up what the training code did to the pixels. Division by 255 or ToTensor: unit. Division by 127.5 minus 1: "
    "symmetric. ToTensor and Normalize: standard, with mean and std. Nothing (0 to 255), or a layer of the model: none. "
    "preprocess_input of Keras or the transforms of torchvision: set preset or --preset instead, such as keras-resnet50."
)


def infer_image_input(metadata: ArtifactMetadata, declared_input: Mapping[str, Any]) -> dict[str, Any]:
    """Return the image input of the artifact, completed and overridden by the declared one.

    A preset is replaced with its keys; declared keys have priority. If the artifact takes integers, pixels are not
    scaled: another scale would map them to 0 and 1.

    Raises:
        InvalidSignature: the artifact does not take an image, or takes a different image.
    """
    declared_input = expand_preset(declared_input)
    _check_artifact_keys(metadata, declared_input)
    declared_input = {**metadata.image, **declared_input}
    if not metadata.inputs:
        return declared_input
    if len(metadata.inputs) > 1 or not 1 <= len(metadata.inputs[0].shape) <= 3:
        raise InvalidSignature(f"Expected a model that takes one image. It takes {format_tensors(metadata.inputs)}.")
    tensor = metadata.inputs[0]
    size = _infer_size(tensor, declared_input.get("layout"))
    return size | _infer_scale(tensor, declared_input.get("scale")) | declared_input


def check_scale(image_input: Mapping[str, Any]) -> None:
    """Check that the artifact, `model.toml`, or an option defines the scale of the pixels.

    Raises:
        InvalidSignature: none of them does. A wrong scale changes predictions without an error, so there is no default.
    """
    if "scale" not in image_input:
        raise InvalidSignature(UNKNOWN_SCALE_MESSAGE)


def _check_artifact_keys(metadata: ArtifactMetadata, declared_input: Mapping[str, Any]) -> None:
    """Check that the declared keys do not contradict the preprocessing that is part of the artifact."""
    for key, value in metadata.image.items():
        if declared_input.get(key, value) != value:
            reasons = " ".join(notice for notice in metadata.notices if notice.startswith(f"{key}:"))
            raise InvalidSignature(
                f'{key} = "{declared_input[key]}" is declared in {MANIFEST_NAME} or with an option, but the artifact takes '
                f'{key} = "{value}". {reasons or "It preprocesses the pixels itself."} Remove {key}.'
            )


def check_image_shape(metadata: ArtifactMetadata, image_input: ImageInput) -> None:
    """Check that the size and layout match the artifact.

    Raises:
        InvalidSignature: they differ. The message contains both shapes.
    """
    if not metadata.inputs:
        return
    shape = metadata.inputs[0].shape
    sizes = dict(zip(("height", "width", "channels"), image_input.shape, strict=True))
    declared = tuple(sizes[name] for name in AXES[image_input.layout])
    if len(shape) == 1:
        declared = (prod(declared),)
    elif len(shape) == 2 and image_input.channels == 1 and image_input.layout == "channels-last":
        declared = declared[:2]
    if len(declared) != len(shape) or any(size not in (None, other) for size, other in zip(shape, declared, strict=True)):
        raise InvalidSignature(
            f"{MANIFEST_NAME} declares an array of {format_shape(declared)} ({image_input.layout}), but the artifact takes "
            f"{format_shape(shape)}."
        )


def _infer_size(tensor: Tensor, layout: Any) -> dict[str, Any]:
    shape = tensor.shape
    if len(shape) == 1:  # a flattened image
        return {}
    if len(shape) == 2:
        return {name: size for name, size in zip(("height", "width"), shape, strict=True) if size} | {"channels": 1}
    if layout in AXES and shape[AXES[layout].index("channels")] not in (*CHANNEL_COUNTS, None):
        raise InvalidSignature(
            f'{MANIFEST_NAME} declares layout = "{layout}", an array of ({", ".join(AXES[layout])}), '
            f"but the artifact takes {format_shape(shape)}."
        )
    if layout not in AXES:
        is_first = shape[0] in CHANNEL_COUNTS and shape[2] not in CHANNEL_COUNTS
        layout = "channels-first" if is_first else "channels-last"
    known = {name: size for name, size in zip(AXES[layout], shape, strict=True) if size is not None}
    return known | {"layout": layout}


def _infer_scale(tensor: Tensor, scale: Any) -> dict[str, Any]:
    if tensor.dtype in UNSUITABLE_DTYPES:
        raise InvalidSignature(
            f"Expected an input that can hold pixel values from 0 to 255. The artifact takes {format_tensors([tensor])}."
        )
    if not tensor.dtype.startswith(("int", "uint")):
        return {}
    if scale not in (None, "none"):
        raise InvalidSignature(
            f'{MANIFEST_NAME} declares scale = "{scale}", which produces fractions, but the artifact takes integers: '
            f'{format_tensors([tensor])}. Remove scale or set it to "none".'
        )
    return {"scale": "none"}
