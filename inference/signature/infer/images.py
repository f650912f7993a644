"""Infer the image input from the artifact and `model.toml`."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np

from inference.errors import InvalidSignature
from inference.signature.image import ImageInput, to_size
from inference.signature.infer.messages import MANIFEST_NAME, format_shape, format_tensors
from inference.signature.presets import expand_preset
from inference.types import ArtifactMetadata, Tensor

CHANNEL_COUNTS = (1, 3)
AXES = {"channels-last": ("height", "width", "channels"), "channels-first": ("channels", "height", "width")}
UNSUITABLE_DTYPES = ("str", "bool", "int8")  # cannot hold 0 to 255
SIDES = ("height", "width")
SIZE_KEYS = (*SIDES, "resize", "interpolation", "antialias")
DEEP_DTYPES = ("int16", "uint16")  # can hold 0 to 255, or the values of 16-bit images
UNSCALED = ("none", "stored")  # the scales of an artifact that scales the pixels itself
UNKNOWN_SCALE_MESSAGE = (
    f"Expected scale in [input] of {MANIFEST_NAME}, or --scale: the artifact does not define how pixels are scaled. "
    "Look up what the training code did to the pixels. Division by 255 or ToTensor: unit. Division by 127.5 minus 1: "
    "symmetric. ToTensor and Normalize: standard, with mean and std. Nothing (0 to 255), or a layer of the model that "
    "scales 0 to 255: none. The values of 16-bit images, such as 0 to 4095: stored, with bits. "
    "preprocess_input of Keras or the transforms of torchvision: set preset or --preset instead, such as keras-resnet50 "
    "or torchvision-imagenet."
)


def infer_image_input(metadata: ArtifactMetadata, declared_input: Mapping[str, Any]) -> dict[str, Any]:
    """Return the image input of the artifact, completed and overridden by the declared one.

    A preset is replaced with its keys; declared keys have priority. If the artifact takes integers, pixels are not
    scaled: another scale would map them to 0 and 1.

    Raises:
        InvalidSignature: the artifact does not take an image, or takes a different image, or already contains a step of
            the preprocessing that is declared.
    """
    preset_layout, declared = expand_preset(declared_input)
    _check_artifact_steps(metadata, declared, declared_input)
    if {**metadata.image, **declared}.get("encoding"):
        return _infer_file_input(metadata, {**metadata.image, **declared})
    known = {"layout": preset_layout} if preset_layout else {}
    known |= _get_cropped_size(declared)
    if metadata.inputs:
        if len(metadata.inputs) > 1 or not 1 <= len(metadata.inputs[0].shape) <= 3:
            raise InvalidSignature(f"Expected a model that takes one image. It takes {format_tensors(metadata.inputs)}.")
        tensor = metadata.inputs[0]
        known |= _infer_size(tensor, declared.get("layout"), preset_layout) | _infer_scale(tensor, declared)
    image_input = known | _select_artifact_keys(metadata, declared) | declared
    if missing := [name for name in SIDES if name not in image_input]:
        reason = _find_notice(metadata, "size")
        raise InvalidSignature(
            f"Expected {' and '.join(missing)} in [input] of {MANIFEST_NAME}, because the artifact does not define the size "
            f"of its images. {reason or 'State the size to which the training code resizes them.'}"
        )
    return image_input


def check_scale(image_input: Mapping[str, Any], declared_input: Mapping[str, Any]) -> None:
    """Check that the artifact, `model.toml`, or an option defines the scale of the pixels.

    Raises:
        InvalidSignature: none of them does. A wrong scale changes predictions without an error, so there is no default.
    """
    if "scale" not in image_input:
        raise InvalidSignature(UNKNOWN_SCALE_MESSAGE)
    bits = image_input.get("bits")
    if bits and image_input["scale"] != "stored" and not declared_input.keys() & {"scale", "preset"}:
        raise InvalidSignature(
            f"Expected scale in [input] of {MANIFEST_NAME}, because bits = {bits} is set and the artifact scales the pixels "
            f'itself: "none" if it takes 0 to 255, or "stored" if it takes the values in the files, 0 to {2**bits - 1}.'
        )


def check_image_shape(metadata: ArtifactMetadata, image_input: ImageInput) -> None:
    """Check that the size and layout match the artifact.

    Raises:
        InvalidSignature: they differ. The message contains both shapes.
    """
    if not metadata.inputs or image_input.encoding:
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


def _check_artifact_steps(
    metadata: ArtifactMetadata, declared: Mapping[str, Any], declared_input: Mapping[str, Any]
) -> None:
    """Check that no declared key contradicts or repeats the preprocessing that is part of the artifact.

    Args:
        declared: with the keys of the preset.
    """
    preset = f'preset = "{declared_input.get("preset")}"'
    for key, value in metadata.image.items():
        received = value if key in SIZE_KEYS else declared.get(key, value)
        if value and received != value and not (key == "scale" and (value, received) == UNSCALED):
            place, step = (
                (f"in {MANIFEST_NAME} or with an option", key) if key in declared_input else (f"by {preset}", "preset")
            )
            raise InvalidSignature(
                f'{key} = "{received}" is declared {place}, but the artifact takes {key} = "{value}". '
                f"{_get_reason(metadata, key)} Remove {step}."
            )
    if metadata.image.get("scale") == "none" and declared.get("mean") and not metadata.image.get("mean"):
        place, step = (f"in {MANIFEST_NAME}", "mean and std") if "mean" in declared_input else (f"by {preset}", "preset")
        raise InvalidSignature(
            f"mean is declared {place}, but the artifact takes pixels from 0 to 255. "
            f"{_get_reason(metadata, 'scale')} Remove {step}."
        )


def _select_artifact_keys(metadata: ArtifactMetadata, declared: Mapping[str, Any]) -> dict[str, Any]:
    """Return the image keys of the artifact. If images are resized to another size before, its own resizing is left out."""
    keys = dict(metadata.image)
    is_resized = declared.keys() & {"resize", "crop"} or any(
        declared.get(key, keys.get(key)) != keys.get(key) for key in SIDES
    )
    return {key: value for key, value in keys.items() if not (is_resized and key in SIZE_KEYS)}


def _get_reason(metadata: ArtifactMetadata, key: str) -> str:
    return _find_notice(metadata, key) or "It preprocesses the pixels itself."


def _find_notice(metadata: ArtifactMetadata, key: str) -> str:
    return " ".join(notice for notice in metadata.notices if notice.startswith(f"{key}:"))


def _get_cropped_size(declared: Mapping[str, Any]) -> dict[str, Any]:
    """Return the size that cropping, or resizing to a height and a width, produces."""
    produced = declared.get("crop") or (declared.get("resize") if isinstance(declared.get("resize"), list) else None)
    size = to_size(tuple(produced) if isinstance(produced, list) else produced)
    return dict(zip(("height", "width"), size, strict=True)) if produced and len(size) == 2 else {}


def _infer_file_input(metadata: ArtifactMetadata, declared_input: Mapping[str, Any]) -> dict[str, Any]:
    """Return the input of a model that decodes image files itself."""
    if [(tensor.dtype, tensor.shape) for tensor in metadata.inputs] not in ([], [("str", ())], [("str", (1,))]):
        raise InvalidSignature(
            'encoding = "file" requires an artifact with one string input, which takes the bytes of a file. '
            f"It takes {format_tensors(metadata.inputs)}."
        )
    return {"height": 0, "width": 0, "scale": "none", **declared_input}


def _infer_size(tensor: Tensor, layout: Any, default_layout: str) -> dict[str, Any]:
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
        layout = _detect_layout(tensor) or default_layout
    if not layout:
        raise InvalidSignature(
            f"Expected layout in [input] of {MANIFEST_NAME}, because the artifact does not define it: it takes "
            f'{format_shape(shape)}. "channels-first" is (channels, height, width), as in PyTorch, and "channels-last" is '
            "(height, width, channels), as in TensorFlow."
        )
    known = {name: size for name, size in zip(AXES[layout], shape, strict=True) if size is not None}
    return known | {"layout": layout}


def _detect_layout(tensor: Tensor) -> str:
    """Return the layout of an image with three dimensions, or an empty string if it is ambiguous."""
    is_first, is_last = (tensor.shape[index] in CHANNEL_COUNTS for index in (0, 2))
    if is_first != is_last:
        return "channels-first" if is_first else "channels-last"
    return "" if is_first or None in (tensor.shape[0], tensor.shape[2]) else "channels-last"


def _infer_scale(tensor: Tensor, declared: Mapping[str, Any]) -> dict[str, Any]:
    if tensor.dtype in UNSUITABLE_DTYPES:
        raise InvalidSignature(
            f"Expected an input that can hold pixel values from 0 to 255. The artifact takes {format_tensors([tensor])}."
        )
    if not tensor.dtype.startswith(("int", "uint")):
        return {}
    scale, bits = declared.get("scale"), declared.get("bits")
    if scale not in (None, *UNSCALED) or declared.keys() & {"mean", "std"}:
        raise InvalidSignature(
            f'{MANIFEST_NAME} declares scale = "{scale}", which produces fractions, but the artifact takes integers: '
            f'{format_tensors([tensor])}. Remove scale or set it to "none".'
        )
    if scale == "stored" and isinstance(bits, int) and 2**bits - 1 > np.iinfo(tensor.dtype).max:
        raise InvalidSignature(
            f'scale = "stored" with bits = {bits} produces values up to {2**bits - 1}, which the artifact cannot hold: '
            f'{format_tensors([tensor])}. Set scale = "none" (0 to 255).'
        )
    return {} if tensor.dtype in DEEP_DTYPES else {"scale": "none"}
