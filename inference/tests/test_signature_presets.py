"""Presets of image preprocessing, compared with the functions of the libraries."""

import os
from importlib import import_module

import numpy as np
import pytest
from PIL import Image

from inference.preprocessing import prepare_input
from inference.signature.presets import PRESETS, expand_preset
from inference.tests.factories import RAW_OUTPUT, assert_signature_error, infer_with_defaults, make_image_metadata

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
KERAS_PRESETS = [name for name in PRESETS if name.startswith("keras-")]


def get_keras_module(preset):
    name = preset.removeprefix("keras-").replace("-", "_")
    return "resnet" if name in ("resnet101", "resnet152") else name


@pytest.mark.xdist_group("tensorflow")
@pytest.mark.parametrize("preset", KERAS_PRESETS)
def test_keras_presets_equal_preprocess_input(preset):
    preprocess_input = import_module(f"keras.applications.{get_keras_module(preset)}").preprocess_input
    pixels = np.random.default_rng(2).integers(0, 256, (9, 7, 3), np.uint8)
    signature, _ = infer_with_defaults(make_image_metadata(9, 7, 3), {"preset": preset}, RAW_OUTPUT)
    expected = preprocess_input(pixels.astype(np.float32)[None], data_format="channels_last")[0]
    assert np.abs(prepare_input(signature.input, Image.fromarray(pixels)) - expected).max() < 1e-5


@pytest.mark.xdist_group("tensorflow")
def test_every_application_of_keras_has_a_preset():
    import keras

    modules = {
        name
        for name in dir(keras.applications)
        if hasattr(getattr(keras.applications, name), "preprocess_input") and name != "imagenet_utils"
    }
    assert len(modules) > 10
    assert modules - {get_keras_module(preset) for preset in KERAS_PRESETS} == set()


def test_declared_keys_override_a_preset():
    _, keys = expand_preset({"preset": "torchvision-imagenet", "resize": 342, "crop": 299, "interpolation": "bicubic"})
    assert (keys["resize"], keys["crop"], keys["interpolation"], keys["scale"]) == (342, 299, "bicubic", "standard")
    assert expand_preset({"preset": "keras-resnet50", "scale": "unit"})[1] == {"scale": "unit", "order": "bgr"}


@pytest.mark.parametrize(
    ("shape", "layout"),
    [((3, 224, 224), "channels-first"), ((224, 224, 3), "channels-last"), ((None,) * 3, "channels-first")],
)
def test_a_torchvision_preset_sets_the_size_and_the_shape_sets_the_layout(shape, layout):
    signature, _ = infer_with_defaults(make_image_metadata(*shape), {"preset": "torchvision-imagenet"}, RAW_OUTPUT)
    assert (signature.input.shape, signature.input.layout) == ((224, 224, 3), layout)


def test_a_preset_of_another_size_is_refused_until_it_is_overridden():
    metadata, declared = make_image_metadata(3, 299, 299), {"preset": "torchvision-imagenet"}
    message = "crop = 224 does not produce the size that the model takes, 299 x 299. Set resize and crop"
    assert_signature_error(metadata, message, declared, RAW_OUTPUT)
    signature, _ = infer_with_defaults(metadata, {**declared, "resize": 342, "crop": 299}, RAW_OUTPUT)
    assert signature.input.crop == 299
