"""Read the inputs, outputs, and final activation of a Keras model, and trace it as one graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from inference.runtimes.keras.walk import keeps_values

ACTIVATION_OPERATIONS = {"Softmax": "softmax", "Sigmoid": "sigmoid"}


def get_input_names(tree: Any, model: Any) -> list[str]:
    """Return the dictionary keys or tensor names, in the order of `model.inputs`."""
    return _make_unique(_get_names(tree, _get_structures(model)[0], [tensor.name for tensor in model.inputs]))


def get_output_names(tree: Any, model: Any) -> list[str]:
    """Return the dictionary keys or layer names, in the order of `model.outputs`."""
    layers = model.output_names if hasattr(model, "output_names") else [model.layers[-1].name]
    return _make_unique(_get_names(tree, _get_structures(model)[1], layers))


def find_activation(model: Any) -> str:
    """Return the name of the activation of the last layer, `linear` without one, or an empty string if it is unknown."""
    if len(model.outputs) != 1:
        return ""
    tensor = model.outputs[0]
    operation = model.layers[-1] if not hasattr(model, "output_names") else tensor._keras_history.operation
    while hasattr(operation, "layers") and hasattr(operation, "outputs"):
        return find_activation(operation)
    name = type(operation).__name__
    if name in ACTIVATION_OPERATIONS:
        return ACTIVATION_OPERATIONS[name]
    if not keeps_values(operation) or name == "Activation":
        return str(getattr(getattr(operation, "activation", None), "__name__", ""))
    return ""


def clear_states(model: Any) -> bool:
    """Make each input begin with an empty state. Return whether the network would keep the state of the one before."""
    layers = [layer for layer in model._flatten_layers() if getattr(layer, "stateful", False)]
    for layer in layers:
        layer.stateful = False
    return bool(layers)


def trace_model(tf: Any, tree: Any, model: Any) -> Any:
    """Return the model as one concrete function that takes tensors and returns a flat list of tensors.

    Calling it directly instead of the `tf.function` saves the comparison of the signature: 0.13 ms of 0.53 ms CPU per call
    of the digits example (batch of 1, 1 thread; measured once, and not part of the benchmarks).

    A batch size above 1 becomes variable: Keras sets it if a network without an `Input` is called before it is trained, and
    ignores it. The outputs have the fixed size nevertheless if an operation of the network contains it.
    """
    structure = _get_structures(model)[0]
    function = tf.function(
        lambda *tensors: tree.flatten(model(tree.pack_sequence_as(structure, list(tensors)), training=False)),
        input_signature=[
            tf.TensorSpec((1 if tensor.shape[0] == 1 else None, *tensor.shape[1:]), tensor.dtype) for tensor in model.inputs
        ],
    )
    return function.get_concrete_function()


def _get_structures(model: Any) -> tuple[Any, Any]:
    """Return the nested structures of inputs and outputs. A Sequential model has one of each."""
    return (model.input, model.output) if hasattr(model, "output_names") else (model.inputs[0], model.outputs[0])


def _get_names(tree: Any, structure: Any, defaults: Sequence[str]) -> list[str]:
    paths = [path for path, _ in tree.flatten_with_path(structure)]
    has_keys = any(isinstance(part, str) for path in paths for part in path)
    return [".".join(map(str, path)) for path in paths] if has_keys else list(defaults)


def _make_unique(names: Sequence[str]) -> list[str]:
    """Return the names with a number appended to duplicates. A layer that is called twice has two outputs."""
    return [name if names.index(name) == index else f"{name}_{index}" for index, name in enumerate(names)]
