"""List the first layers that an input of a network passes through."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

# Layers that change no pixel value at inference, or only select, move, and average pixels.
UNCHANGED_LAYERS = {
    "AlphaDropout", "AugMix", "CenterCrop", "Cropping1D", "Cropping2D", "CutMix", "Dropout", "Flatten", "GaussianDropout",
    "GaussianNoise", "Identity", "InputLayer", "MixUp", "Permute", "RandAugment", "Reshape", "Resizing",
    "SpatialDropout2D", "UpSampling2D", "ZeroPadding2D",
}  # fmt: skip
UNCHANGED_OPERATIONS = {
    "Cast", "Copy", "ExpandDims", "Flip", "GetItem", "Identity", "Moveaxis", "Reshape", "Resize", "Squeeze", "Swapaxes",
    "Transpose",
}  # fmt: skip
UNCHANGED_FUNCTIONS = {"__operators__.getitem", "cast", "identity", "reshape", "reverse"}  # of TensorFlow, in Keras 2
JOINS = {"Concatenate", "Stack"}  # of the channels of one image


def list_steps(model: Any, tensor: Any = None) -> Generator[tuple[Any, Any], None, bool]:
    """Yield the operations of `list_operations` that change values."""
    operations = list_operations(model, tensor)
    while True:
        try:
            operation, arguments = next(operations)
        except StopIteration as stop:
            return bool(stop.value)
        if not keeps_values(operation):
            yield operation, arguments


def list_operations(model: Any, tensor: Any = None) -> Generator[tuple[Any, Any], None, bool]:
    """Yield the operations that an input passes through, with the arguments of the call, up to the first branch.

    Nested models are replaced by their layers. The arguments are None in a sequential model. The generator returns whether
    the operations lead to the output of the model.

    Args:
        tensor: the input; None for the only one.
    """
    if not hasattr(model, "output_names"):
        return (yield from _list_sequential_steps(model))
    consumers = _map_consumers(model)
    current = model.inputs[0] if tensor is None else tensor
    while nodes := consumers.get(id(current), []):
        node = nodes[0] if len(nodes) == 1 else _find_join(nodes, consumers)
        if node is None or len(node.output_tensors) != 1:
            return False
        has_other_inputs = len({id(tensor) for tensor in node.input_tensors}) > 1
        if len(nodes) == 1 and (has_other_inputs or not (yield from _list_inner_steps(node.operation, node.arguments))):
            return False
        current = node.output_tensors[0]
    return current is model.outputs[0]


def keeps_values(operation: Any) -> bool:
    """Return whether an operation of Keras changes no value at inference."""
    name = type(operation).__name__
    if not type(operation).__module__.startswith("keras."):
        return getattr(operation, "function_name", "") in UNCHANGED_FUNCTIONS
    if ".ops." in type(operation).__module__:
        return name in UNCHANGED_OPERATIONS
    if name in JOINS:  # of one tensor with itself: grayscale to RGB
        return True
    is_linear = name == "Activation" and getattr(operation.activation, "__name__", "") == "linear"
    return name in UNCHANGED_LAYERS or name.startswith("Random") or is_linear


def _list_sequential_steps(model: Any) -> Generator[tuple[Any, Any], None, bool]:
    for layer in model.layers:
        if not (yield from _list_inner_steps(layer, None)):
            return False
    return True


def _list_inner_steps(operation: Any, arguments: Any) -> Generator[tuple[Any, Any], None, bool]:
    if hasattr(operation, "layers") and hasattr(operation, "inputs"):
        return (yield from list_operations(operation))
    yield operation, arguments
    return True


def _map_consumers(model: Any) -> dict[int, list[Any]]:
    """Return the calls that take each tensor, by the tensor's id."""
    consumers: dict[int, list[Any]] = {}
    for nodes in model._nodes_by_depth.values():
        for node in nodes:
            for key in {id(item) for item in node.input_tensors}:
                consumers.setdefault(key, []).append(node)
    return consumers


def _find_join(nodes: list[Any], consumers: dict[int, list[Any]]) -> Any:
    """Return the call that joins the channels of one tensor again, or None. This is how channels are reordered."""
    if not nodes or not all(keeps_values(node.operation) for node in nodes):
        return None
    joins = {id(join): join for node in nodes for join in consumers.get(id(node.output_tensors[0]), [])}
    [join] = joins.values() if len(joins) == 1 else [None]
    return join if join is not None and type(join.operation).__name__ in JOINS else None
