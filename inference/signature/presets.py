"""Named preprocessing of images, as defined by the libraries that models are trained with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inference.errors import InvalidSignature

IMAGENET_MEAN = [0.485, 0.456, 0.406]
IMAGENET_STD = [0.229, 0.224, 0.225]

# The modes of https://github.com/keras-team/keras/blob/master/keras/src/applications/imagenet_utils.py
KERAS_CAFFE = {"scale": "none", "order": "bgr", "mean": [103.939, 116.779, 123.68]}
KERAS_TF = {"scale": "symmetric"}
KERAS_TORCH = {"scale": "standard", "mean": IMAGENET_MEAN, "std": IMAGENET_STD}
KERAS_NONE = {"scale": "none"}  # the model contains the preprocessing

PRESETS: dict[str, dict[str, Any]] = {
    **dict.fromkeys(
        ["keras-resnet", "keras-resnet50", "keras-resnet101", "keras-resnet152", "keras-vgg16", "keras-vgg19"], KERAS_CAFFE
    ),
    **dict.fromkeys(
        [
            "keras-inception-resnet-v2", "keras-inception-v3", "keras-mobilenet", "keras-mobilenet-v2", "keras-nasnet",
            "keras-resnet-v2", "keras-xception",
        ],
        KERAS_TF,
    ),
    "keras-densenet": KERAS_TORCH,
    **dict.fromkeys(["keras-convnext", "keras-efficientnet", "keras-efficientnet-v2", "keras-mobilenet-v3"], KERAS_NONE),
}  # fmt: skip


def expand_preset(declared_input: Mapping[str, Any]) -> dict[str, Any]:
    """Return the declared input with the keys of its `preset`. Keys that are declared as well override the preset.

    Raises:
        InvalidSignature: there is no such preset.
    """
    declared = dict(declared_input)
    preset = declared.pop("preset", None)
    if preset is None:
        return declared
    if preset not in PRESETS:
        raise InvalidSignature(f"Expected preset to be one of {', '.join(PRESETS)}. Received: {preset!r:.100}")
    return {**PRESETS[preset], **declared}
