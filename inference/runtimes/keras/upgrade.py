"""Rewrite the configuration of a Keras 2 network so that Keras 3 can load it."""

from __future__ import annotations

import inspect
from typing import Any

from inference.runtimes.native_output import import_quietly

NETWORK_CLASSES = ("Functional", "Model", "Sequential")
OPERATION_CLASSES = ("TFOpLambda", "SlicingOpLambda")
LAYER_ARGUMENTS = {"name", "dtype", "trainable", "activity_regularizer", "autocast", "input_shape", "batch_input_shape"}
IGNORED_ARGUMENTS = {"implementation", "batch_input_shape", "rng_type"}  # with any value
# Arguments that these layers of Keras 2 stored but did not use.
UNUSED_ARGUMENTS = {"kernel_initializer", "kernel_regularizer", "kernel_constraint"}
IGNORED_VALUES: tuple[Any, ...] = (None, False, [], "", {})
ELLIPSIS = "Ellipsis"  # in the index of a slicing operation
CONSTANT = "_CONSTANT_VALUE"  # marks a constant in the place of an input layer
HARD_SIGMOID = "hard_sigmoid_2"  # that of Keras 2, which is steeper than that of Keras 3
# TensorFlow functions that read and write no file.
SAFE_FUNCTIONS = {
    "cast", "clip_by_value", "concat", "expand_dims", "gather", "one_hot", "reshape", "reverse", "slice", "split", "squeeze",
    "stack", "tile", "transpose", "unstack",
}  # fmt: skip
SAFE_MODULES = {"math", "nn", "image", "__operators__"}


def upgrade_config(config: Any) -> Any:
    """Return the configuration of a network, or of a part of it, for Keras 3."""
    if isinstance(config, list):
        return [upgrade_config(part) for part in config]
    if not isinstance(config, dict):
        return config
    upgraded = {name: upgrade_config(part) for name, part in config.items()}
    if not isinstance(upgraded.get("class_name"), str):
        return upgraded
    if upgraded["class_name"] == "__ellipsis__":
        return ELLIPSIS
    if upgraded["class_name"] in ("Policy", "DTypePolicy") and isinstance(upgraded.get("config"), dict):
        return upgraded["config"].get("name", "float32")
    _replace_random_crop(upgraded)
    _upgrade_module(upgraded)
    if isinstance(upgraded.get("config"), dict):
        upgraded["config"] = _upgrade_arguments(upgraded["class_name"], upgraded["config"])
        if upgraded["class_name"] in NETWORK_CLASSES and "layers" in upgraded["config"]:
            _upgrade_network(upgraded["config"], is_sequential=upgraded["class_name"] == "Sequential")
    return upgraded


def make_legacy_layers(*, allow_all: bool) -> dict[str, Any]:
    """Return the layers with which Keras 2 stored calls of TensorFlow functions, and its activation, by their names.

    Args:
        allow_all: allow every function of TensorFlow, not only those that compute.
    """
    keras: Any = import_quietly("keras")
    tf: Any = import_quietly("tensorflow")

    class Operation(keras.layers.Layer):  # type: ignore[misc]  # keras has no type hints
        def __init__(self, function: str = "__operators__.getitem", **options: Any) -> None:
            super().__init__(**options)
            name = function.removeprefix("tf.")
            if not (allow_all or name in SAFE_FUNCTIONS or name.partition(".")[0] in SAFE_MODULES):
                raise ValueError(f"tf.{name} is not a function that only computes")
            self.function_name = name
            self.function = tf
            for part in name.split("."):
                self.function = getattr(self.function, part)

        def call(self, *args: Any, **kwargs: Any) -> Any:
            if self.function_name == "__operators__.getitem":
                return args[0][_read_slice(kwargs.get("slice_spec", args[-1]))]
            return self.function(*args, **{name: value for name, value in kwargs.items() if name != "name"})

    def hard_sigmoid(values: Any) -> Any:
        return keras.ops.clip(0.2 * values + 0.5, 0.0, 1.0)

    hard_sigmoid.__name__ = HARD_SIGMOID  # the backward layer of Bidirectional is made from this name
    return {**dict.fromkeys(OPERATION_CLASSES, Operation), HARD_SIGMOID: hard_sigmoid}


def _read_slice(spec: Any) -> Any:
    """Return the index of a slicing operation. Keras 2 stores slices as objects."""
    if isinstance(spec, list | tuple):
        return tuple(_read_slice(part) for part in spec)
    if isinstance(spec, dict) and "start" in spec:
        return slice(spec["start"], spec["stop"], spec["step"])
    return Ellipsis if spec == ELLIPSIS else spec


def _upgrade_module(part: dict[str, Any]) -> None:
    if part["class_name"] in OPERATION_CLASSES:
        part.pop("module", None)
        part.pop("registered_name", None)
    if not isinstance(part.get("module"), str):
        return
    if part["class_name"] in ("Functional", "Model"):
        part |= {"module": "keras.src.models.functional", "class_name": "Functional"}
    elif part["module"].startswith("tf_keras."):
        part["module"] = part["module"].removeprefix("tf_")


def _replace_random_crop(part: dict[str, Any]) -> None:
    """Replace a layer that Keras 2 applies to new images as a resizing, and Keras 3 as a crop of the center."""
    if part["class_name"] != "RandomCrop" or not isinstance(part.get("config"), dict):
        return
    config = {name: part["config"][name] for name in ("name", "dtype", "height", "width") if name in part["config"]}
    part |= {"class_name": "Resizing", "config": {**config, "crop_to_aspect_ratio": True}}
    part.pop("registered_name", None)


def _upgrade_arguments(class_name: str, config: dict[str, Any]) -> dict[str, Any]:
    """Remove the arguments that Keras 3 no longer takes, if they had no effect."""
    keras: Any = import_quietly("keras")
    layer = getattr(keras.layers, class_name, None)
    if layer is None:
        return config
    config = {name: _upgrade_activation(name, value) for name, value in config.items()}
    if class_name == "InputLayer":
        return {name: value for name, value in config.items() if name not in ("ragged", "sparse") or value}
    if isinstance(config.get("axis"), list) and class_name == "BatchNormalization":
        config = {**config, "axis": config["axis"][0]}
    if class_name.startswith(("Separable", "Depthwise")):
        config = {name: value for name, value in config.items() if name not in UNUSED_ARGUMENTS}
    parameters = inspect.signature(layer.__init__).parameters
    if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        config = {name: value for name, value in config.items() if name != "trainable"}  # SpatialDropout has no weights
    known = {*parameters, *LAYER_ARGUMENTS} - {"batch_input_shape"}
    return {
        name: value
        for name, value in config.items()
        if name in known or not (name in IGNORED_ARGUMENTS or value in IGNORED_VALUES or (name, value) == ("groups", 1))
    }


def _upgrade_activation(name: str, value: Any) -> Any:
    """Return the value of an argument, or the function that an activation of another definition has in Keras 2."""
    if not name.endswith("activation") or value != "hard_sigmoid":
        return value
    return {"module": None, "class_name": "function", "config": HARD_SIGMOID, "registered_name": HARD_SIGMOID}


def _upgrade_network(config: dict[str, Any], *, is_sequential: bool) -> None:
    if is_sequential:
        return
    layers = config["layers"]
    # In Keras 2, the first call of a nested network with an input layer has the index 1.
    shifts = {layer["name"]: int(_has_input_layer(layer)) for layer in layers if "name" in layer}
    for layer in layers:
        nodes = layer.get("inbound_nodes", [])
        if layer["class_name"] in OPERATION_CLASSES:
            layer["inbound_nodes"] = [_make_node(node, shifts) for node in nodes]
        else:
            layer["inbound_nodes"] = [[_shift(entry, shifts) for entry in _as_list(node)] for node in nodes]
    networks = {layer["name"]: layer["class_name"] for layer in layers if "name" in layer}
    config["output_layers"] = _unpack(_shift_outputs(config.get("output_layers", []), networks, shifts))
    config["input_layers"] = _unpack(config.get("input_layers", []))


def _unpack(tensors: Any) -> Any:
    """Return the only tensor of a list. Keras 2 did not distinguish it from the list, Keras 3 does."""
    return tensors[0] if isinstance(tensors, list) and len(tensors) == 1 and isinstance(tensors[0], list) else tensors


def _has_input_layer(layer: dict[str, Any]) -> bool:
    inner = layer.get("config", {}).get("layers") if layer["class_name"] in NETWORK_CLASSES else None
    return isinstance(inner, list) and bool(inner) and inner[0].get("class_name") == "InputLayer"


def _as_list(node: Any) -> list[Any]:
    """Return the entries of a call. The only entry of an operation is not in a list."""
    return [node] if node and isinstance(node[0], str) else list(node)


def _shift(entry: Any, shifts: dict[str, int]) -> Any:
    if not (isinstance(entry, list) and len(entry) >= 3 and isinstance(entry[0], str)):
        return entry
    return [entry[0], entry[1] - shifts.get(entry[0], 0), *entry[2:]]


def _shift_outputs(outputs: Any, networks: dict[str, str], shifts: dict[str, int]) -> Any:
    """Shift the outputs of nested sequential networks. Keras 3 shifts those of nested functional networks itself."""
    if isinstance(outputs, dict):
        return {name: _shift_outputs(part, networks, shifts) for name, part in outputs.items()}
    if isinstance(outputs, list) and len(outputs) == 3 and isinstance(outputs[0], str):
        return _shift(outputs, shifts) if networks.get(outputs[0]) == "Sequential" else outputs
    return [_shift_outputs(part, networks, shifts) for part in outputs] if isinstance(outputs, list) else outputs


def _make_node(node: Any, shifts: dict[str, int]) -> dict[str, Any]:
    """Return the call of an operation in the format of Keras 3."""
    entries = _as_list(node)
    arguments = [_make_argument(_shift(entry, shifts)) for entry in entries]
    keywords = entries[0][3] if entries and len(entries[0]) > 3 else {}
    is_list = not (node and isinstance(node[0], str))
    kwargs = {name: _make_keyword(value, shifts) for name, value in keywords.items() if name != "name"}
    return {"args": [arguments] if is_list else arguments, "kwargs": kwargs}


def _make_keyword(value: Any, shifts: dict[str, int]) -> Any:
    is_tensor = isinstance(value, list) and len(value) == 3 and isinstance(value[0], str) and isinstance(value[1], int)
    return _make_argument(_shift(value, shifts)) if is_tensor else value


def _make_argument(entry: list[Any]) -> Any:
    if entry[0] == CONSTANT:
        return entry[2]
    config = {"shape": [None], "dtype": "float32", "keras_history": entry[:3]}
    return {"class_name": "__keras_tensor__", "config": config}
