"""ONNX models for tests, and onnxruntime's own answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import onnxruntime
from onnx import ModelProto, TensorProto, helper, numpy_helper


def graph(nodes: list[Any], inputs: Iterable[Any], outputs: Iterable[Any], **weights: Any) -> ModelProto:
    """Return a model of these nodes.

    Args:
        inputs, outputs: name, type and shape of each.
        weights: arrays by name, or tensors as they are.
    """
    infos = [[helper.make_tensor_value_info(*one) for one in group] for group in (inputs, outputs)]
    tensors = [
        array if isinstance(array, TensorProto) else numpy_helper.from_array(array, name) for name, array in weights.items()
    ]
    made = helper.make_graph(nodes, "g", *infos, tensors)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def doubling(batch: Any, width: Any = 4) -> ModelProto:
    """Return a model of rows of numbers that doubles them."""
    taken, given = ([name, TensorProto.FLOAT, [batch, width]] for name in "xy")
    return graph([helper.make_node("Add", ["x", "x"], ["y"])], [taken], [given])


def write(model: ModelProto, path: Path) -> Path:
    path.write_bytes(model.SerializeToString())
    return path


def own(path: Path, feed: Mapping[str, Any]) -> dict[str, Any]:
    """Return what onnxruntime itself answers, by name."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return dict(zip([one.name for one in session.get_outputs()], session.run(None, dict(feed)), strict=True))
