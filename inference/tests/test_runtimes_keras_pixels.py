"""The scale of pixels that is derived from the first layers of a network."""

import os

import numpy as np
import pytest

from inference.errors import InvalidSignature
from inference.runtimes.keras import KerasRuntime
from inference.signature.infer.images import infer_image_input

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
pytestmark = pytest.mark.xdist_group("tensorflow")  # imported once
IMAGENET = {"mean": [0.485, 0.456, 0.406], "variance": [0.229**2, 0.224**2, 0.225**2]}


@pytest.fixture(scope="module")
def keras():
    import keras

    return keras


@pytest.mark.parametrize(
    ("first_layers", "scale", "layer"),
    [
        (lambda k, x: k.layers.Rescaling(1 / 255)(x), "none", "Rescaling(scale=1/255)"),
        (lambda k, x: k.layers.Rescaling(1 / 127.5, offset=-1)(x), "none", "Rescaling(scale=1/127.5, offset=-1)"),
        (lambda k, x: k.layers.Rescaling(255)(x), "unit", "Rescaling(scale=255)"),
        (lambda k, x: k.layers.Rescaling(2, offset=-1)(x), "unit", "Rescaling(scale=2, offset=-1)"),
        (lambda k, x: (x + 1) * 127.5, "symmetric", "Add(1) and Multiply(127.5)"),
        (lambda k, x: k.ops.cast(x, "float32") * (1 / 127.5) - 1, "none", "Multiply(1/127.5) and Subtract(1)"),
        (lambda k, x: k.applications.vgg16.preprocess_input(x), "none", "Add(3 numbers)"),
        (lambda k, x: k.layers.Normalization(mean=[120.0] * 3, variance=[3600.0] * 3)(x), "none", "Normalization"),
        (lambda k, x: k.layers.Normalization(**IMAGENET)(x), "unit", "Normalization"),
        (
            lambda k, x: k.Sequential([k.layers.RandomFlip(), k.layers.Rescaling(1 / 255)])(x),
            "none",
            "Rescaling(scale=1/255)",
        ),
    ],
)
def test_scale_is_that_of_the_first_layers(keras, tmp_path, first_layers, scale, layer):
    metadata = describe(keras, tmp_path, first_layers)
    assert metadata.image["scale"] == scale
    assert metadata.notices == (f"scale: {scale}, because the network begins with {layer}.",)


def test_preset_with_a_mean_contradicts_a_network_that_preprocesses_pixels(keras, tmp_path):
    metadata = describe(keras, tmp_path, lambda k, x: k.applications.resnet50.preprocess_input(x))
    with pytest.raises(InvalidSignature, match=r"mean is declared by .*takes pixels from 0 to 255\. .*Remove preset"):
        infer_image_input(metadata, {"preset": "keras-resnet50"})
    assert infer_image_input(metadata, {})["scale"] == "none"


@pytest.mark.parametrize(
    "first_layers",
    [
        lambda k, x: x,
        lambda k, x: k.layers.BatchNormalization()(x),
        lambda k, x: k.layers.Rescaling(1.0)(x),
        lambda k, x: x - 0.5,
        lambda k, x: x / 65535,  # 16 bits
        lambda k, x: k.layers.Normalization(mean=[0.45] * 3, variance=[0.06] * 3)(x),  # 0 to 1, or -1 to 1
        lambda k, x: k.layers.Concatenate()([k.layers.Rescaling(1 / 255)(x), x]),
        lambda k, x: k.layers.Rescaling(1 / 255)(k.layers.Conv2D(3, 1)(x)),
        lambda k, x: x / k.ops.max(x),
    ],
)
def test_scale_is_unknown_without_layers_that_scale(keras, tmp_path, first_layers):
    metadata = describe(keras, tmp_path, first_layers)
    assert (dict(metadata.image), metadata.notices) == ({}, ())


def describe(keras, folder, first_layers):
    image = keras.Input((6, 6, 3))
    features = keras.layers.Flatten()(keras.layers.Conv2D(2, 3)(first_layers(keras, image)))
    keras.Model(image, keras.layers.Dense(2, activation="softmax")(features)).save(folder / "model.keras")
    runtime = KerasRuntime(folder / "model.keras")
    runtime.load()
    return runtime.describe()


@pytest.mark.parametrize(
    ("make_last", "activation"),
    [
        (lambda k: [k.layers.Dense(1, activation="sigmoid")], "sigmoid"),
        (lambda k: [k.layers.Dense(3)], "linear"),
        (lambda k: [k.layers.Dense(3), k.layers.Softmax()], "softmax"),
        (lambda k: [k.layers.Dense(3), k.layers.Activation("softmax", dtype="float32")], "softmax"),
        (lambda k: [k.Sequential([k.layers.Dense(3, activation="softmax")])], "softmax"),
        (lambda k: [k.layers.Dense(4), k.layers.BatchNormalization()], ""),
    ],
)
def test_activation_is_that_of_the_last_layer(keras, tmp_path, make_last, activation):
    model = keras.Sequential([keras.Input((4,)), *make_last(keras)])
    model.save(tmp_path / "model.keras")
    runtime = KerasRuntime(tmp_path / "model.keras")
    assert np.isfinite(runtime.load()(np.ones((2, 4), np.float32))).all()
    assert runtime.describe().activation == activation
