"""Images of any size, for networks that begin with the layer `Resizing`, compared with Keras."""

import os

import numpy as np
import pytest
from PIL import Image

from inference.errors import InvalidSignature
from inference.tests.factories import assert_not_served, get_scores, serve_artifact

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
pytestmark = pytest.mark.xdist_group("tensorflow")  # imported once
LABELS = ("a", "b", "c")
SIZES = ((31, 90), (64, 20), (12, 13))


def save_network(folder, *, scaling=(1 / 255, 0), **options):
    import keras

    keras.utils.set_random_seed(1)
    last = [keras.layers.Flatten(), keras.layers.Dense(3, activation="softmax")]
    first = [keras.layers.Rescaling(*scaling), keras.layers.Resizing(10, 16, **options)]
    network = keras.Sequential([keras.Input((None, None, 3)), *first, *last])
    network.save(folder / "any.keras")
    return network, folder / "any.keras"


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"crop_to_aspect_ratio": True},
        {"pad_to_aspect_ratio": True},
        {"pad_to_aspect_ratio": True, "interpolation": "nearest"},
    ],
    ids=["stretch", "crop", "pad", "pad-nearest"],
)
def test_images_are_resized_as_by_the_layer(tmp_path, options):
    network, path = save_network(tmp_path, **options)
    rng = np.random.default_rng(0)
    with serve_artifact(path, labels=LABELS) as predictor:
        for size in SIZES:
            pixels = rng.integers(0, 256, (*size, 3)).astype(np.uint8)
            expected = network(pixels[None].astype(np.float32))[0]
            scores = get_scores(predictor.predict(Image.fromarray(pixels), timeout=60))
            assert scores == pytest.approx(np.asarray(expected), abs=1e-5)


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({"antialias": True}, "antialias=True"),
        ({"pad_to_aspect_ratio": True, "fill_value": 0.5}, "pad_to_aspect_ratio=True"),
        ({"pad_to_aspect_ratio": True, "scaling": (1 / 127.5, -1)}, "pad_to_aspect_ratio=True"),  # the border is gray
        ({"interpolation": "bicubic"}, "interpolation=bicubic"),
    ],
)
def test_other_resizing_requires_the_size_of_the_images(tmp_path, options, shown):
    network, path = save_network(tmp_path, **options)
    assert_not_served(path, f"{shown} resizes .* Set height and width", InvalidSignature, labels=LABELS)
    pixels = np.random.default_rng(0).integers(0, 256, (31, 90, 3)).astype(np.uint8)
    with serve_artifact(path, labels=LABELS, input={"kind": "image", "height": 31, "width": 90}) as predictor:
        scores = get_scores(predictor.predict(Image.fromarray(pixels), timeout=60))
    assert scores == pytest.approx(np.asarray(network(pixels[None].astype(np.float32))[0]), abs=1e-5)
