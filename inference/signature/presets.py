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

# torchvision.transforms._presets.ImageClassification: the weights IMAGENET1K_V1 of most networks, and IMAGENET1K_V2
TORCHVISION = {**KERAS_TORCH, "interpolation": "bilinear", "layout": "channels-first"}
# https://github.com/openai/CLIP/blob/main/clip/clip.py, `_transform`
CLIP = {
    "scale": "standard",
    "mean": [0.48145466, 0.4578275, 0.40821073],
    "std": [0.26862954, 0.26130258, 0.27577711],
    "resize": 224,
    "crop": 224,
    "interpolation": "bicubic",
    "layout": "channels-first",
}

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
    "torchvision-imagenet": TORCHVISION | {"resize": 256, "crop": 224},
    "torchvision-imagenet-v2": TORCHVISION | {"resize": 232, "crop": 224},
    "clip": CLIP,
    **dict.fromkeys(["keras-convnext", "keras-efficientnet", "keras-efficientnet-v2", "keras-mobilenet-v3"], KERAS_NONE),
}  # fmt: skip


def expand_preset(declared_input: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the layout of the preset, and the declared input with the other keys of the preset.

    Keys that are declared as well override the preset. The layout is apart, because the shape of the artifact overrides
    it: a network can be converted to another layout without a change of its preprocessing.

    Raises:
        InvalidSignature: there is no such preset.
    """
    declared = dict(declared_input)
    preset = declared.pop("preset", None)
    if preset is None:
        return "", declared
    if preset not in PRESETS:
        raise InvalidSignature(f"Expected preset to be one of {', '.join(PRESETS)}. Received: {preset!r:.100}")
    keys = {**PRESETS[preset]}
    if "scale" in declared and declared["scale"] != keys["scale"]:  # mean and std belong to the scale
        keys = {key: value for key, value in keys.items() if key not in ("mean", "std")}
    return keys.pop("layout", ""), {**keys, **declared}
