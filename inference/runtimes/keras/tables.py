"""Read the allowed values of columns from the lookup layers of a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from inference.signature.infer.features import FeatureData, make_feature
from inference.tensors import get_width
from inference.types import Tensor

LOOKUPS = ("StringLookup", "IntegerLookup")


def find_features(model: Any, inputs: Sequence[Tensor]) -> tuple[FeatureData, ...]:
    """Return the features of a network whose inputs are single values, if lookup layers define more than their types."""
    if any(get_width(tensor) != 1 or None in tensor.shape or len(tensor.shape) > 1 for tensor in inputs):
        return ()
    values = _find_values(model, inputs)
    is_restricted = any("values" in keys for keys in values.values())
    if not (is_restricted or (values and len(inputs) > 1)):
        return ()
    features = ({**make_feature(tensor, tensor.name), **values.get(tensor.name, {})} for tensor in inputs)
    return tuple(features)


def _find_values(model: Any, inputs: Sequence[Tensor]) -> dict[str, Mapping[str, Any]]:
    """Return the keys of `model.toml` for the inputs that a lookup layer takes.

    A layer without indices for other values (`num_oov_indices=0`) fails for them, so its input allows only the vocabulary.
    Otherwise, the first word is the example.
    """
    if not hasattr(model, "output_names"):
        lookups = [(inputs[0].name, model.layers[0])] if model.layers else []
    else:
        names = {id(tensor): named.name for tensor, named in zip(model.inputs, inputs, strict=True)}
        nodes = [node for level in model._nodes_by_depth.values() for node in level]
        lookups = [(names[id(item)], node.operation) for node in nodes for item in node.input_tensors if id(item) in names]
    columns: dict[str, Mapping[str, Any]] = {}
    for name, layer in lookups:
        if type(layer).__name__ in LOOKUPS and not layer.invert:
            columns.setdefault(name, _describe_vocabulary(layer))
    return columns


def _describe_vocabulary(layer: Any) -> Mapping[str, Any]:
    words = [_to_plain(word) for word in layer.get_vocabulary(include_special_tokens=False)]
    if not words:
        return {}
    if layer.num_oov_indices:
        return {"example": words[0]}
    return {"type": "category" if isinstance(words[0], str) else "integer", "values": words}


def _to_plain(word: Any) -> Any:
    return word.decode() if isinstance(word, bytes) else word.item() if hasattr(word, "item") else word
