"""HDF5 files as Keras 2 wrote them. Keras 2 cannot be installed next to Keras 3, so its configuration is written here.

The form of the configuration is that of tf_keras 2.16, which is Keras 2 under another name.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mlsite.tests.artifact_kinds.keras_images import encode_png, make_pixels, predict_scores, write_labels
from mlsite.tests.artifact_kinds.kinds import ArtifactKind, BuiltArtifact

SIDE = 32
FUNCTIONS = {"TrueDivide": "math.truediv", "Subtract": "math.subtract"}
NETWORKS = ("Functional", "Sequential")


def write_keras2_file(model: Any, path: Path) -> None:
    """Write a Keras 3 model as Keras 2 would have written it."""
    import h5py
    import keras

    model.save(path)
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(model)))
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = json.dumps(convert_layer(config, is_top=True)).encode()
        file.attrs["keras_version"] = b"2.15.0"


def convert_layer(layer: dict[str, Any], *, is_top: bool = False) -> dict[str, Any]:
    """Return the configuration of a layer in the format of Keras 2."""
    name, config = layer["class_name"], dict(layer["config"])
    if isinstance(config.get("dtype"), dict):
        config["dtype"] = config["dtype"]["config"]["name"]
    config.pop("optional", None)
    config.pop("build_input_shape", None)
    if name == "InputLayer":
        config["batch_input_shape"] = config.pop("batch_shape")
        config |= {"ragged": False, "sparse": False}
    elif name in ("DepthwiseConv2D", "SeparableConv2D"):
        config |= {"groups": 1, "kernel_initializer": None} if name == "SeparableConv2D" else {"groups": 1}
    elif name == "BatchNormalization":
        config["axis"] = [3]
    elif name in FUNCTIONS:
        config = {"name": layer["name"], "trainable": True, "dtype": "float32", "function": FUNCTIONS[name]}
    if name in NETWORKS:
        config["layers"] = [convert_layer(inner) for inner in config["layers"]]
        convert_calls(config)
    module = {"module": layer["module"].replace("keras.src.models", "keras.src.engine"), "registered_name": name}
    kind = "TFOpLambda" if name in FUNCTIONS else name
    inner_name = {"name": layer["name"]} if "name" in layer else {}
    return {"class_name": kind, "config": config, **({} if is_top or name in FUNCTIONS else module), **inner_name} | {
        key: layer[key] for key in ("inbound_nodes",) if key in layer
    }


def convert_calls(config: dict[str, Any]) -> None:
    """Convert the calls of the layers of a functional network. The first call of a nested network has the index 1."""
    networks = {layer["name"] for layer in config["layers"] if layer["class_name"] in NETWORKS and "name" in layer}
    for layer in config["layers"]:
        if layer.get("inbound_nodes"):
            [node] = layer["inbound_nodes"]
            source = node["args"][0]["config"]["keras_history"][0]
            entry = [source, int(source in networks), 0]
            is_operation = layer["class_name"] == "TFOpLambda"
            layer["inbound_nodes"] = [[*entry, {"y": node["args"][1], "name": None}]] if is_operation else [[[*entry, {}]]]
    for key in ("input_layers", "output_layers"):
        if key in config:
            config[key] = [config[key]] if isinstance(config[key][0], str) else config[key]


def make_base(keras: Any) -> Any:
    layers = keras.layers
    image = keras.Input((SIDE, SIDE, 3))
    features = layers.BatchNormalization()(layers.Conv2D(4, 3, strides=2, use_bias=False)(image))
    features = layers.DepthwiseConv2D(3)(layers.ReLU(6.0)(features))
    return keras.Model(image, layers.SeparableConv2D(6, 3)(features), name="base")


def randomize_weights(model: Any) -> None:
    """Set all weights, so that the moving averages of batch normalization are not 0 and 1."""
    rng = np.random.default_rng(6)
    model.set_weights([rng.uniform(0.1, 1, weight.shape) - 0.4 * (weight.ndim > 1) for weight in model.get_weights()])


def _make_nested_sequential(keras: Any) -> Any:
    """Return a network like that of Teachable Machine: two sequential networks in a sequential one."""
    features = keras.Sequential([keras.Input((SIDE, SIDE, 3)), make_base(keras), keras.layers.GlobalAveragePooling2D()])
    head = keras.Sequential(
        [keras.Input((6,)), keras.layers.Dense(5, "relu"), keras.layers.Dense(3, "softmax", use_bias=False)]
    )
    return keras.Sequential([keras.Input((SIDE, SIDE, 3)), features, head])


def _make_transfer(keras: Any) -> Any:
    """Return a network of the tutorials on transfer learning: preprocess_input, a nested network, and a new head."""
    image = keras.Input((SIDE, SIDE, 3))
    features = make_base(keras)(keras.applications.mobilenet_v2.preprocess_input(image))
    return keras.Model(image, keras.layers.Dense(3, "softmax")(keras.layers.GlobalAveragePooling2D()(features)))


def _build(folder: Path, *, make: Callable[[Any], Any], scale: str) -> BuiltArtifact:
    import keras

    keras.utils.set_random_seed(7)
    model = make(keras)
    randomize_weights(model)
    write_keras2_file(model, folder / "keras_model.h5")
    pixels = make_pixels()
    expected = predict_scores(model, pixels / np.float32(127.5) - 1 if scale else pixels)
    options = {**write_labels(folder, ["0 dog", "1 cat", "2 owl"]), "trusted": True, **({"scale": scale} if scale else {})}
    return BuiltArtifact(folder / "keras_model.h5", [encode_png(image) for image in pixels], expected, options)


KINDS = (
    ArtifactKind(
        "Teachable Machine, nested Sequential of Keras 2",
        "label names",
        "scale, trusted",
        partial(_build, make=_make_nested_sequential, scale="symmetric"),
    ),
    ArtifactKind("Transfer learning with Keras 2", "scale none", "trusted", partial(_build, make=_make_transfer, scale="")),
)
