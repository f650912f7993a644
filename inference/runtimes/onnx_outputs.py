"""Derive the kind of output, the classes, and the notices of an ONNX model from its outputs and its graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from inference.messages import format_names
from inference.runtimes.onnx_graph import OnnxGraph, format_classes
from inference.tensors import TensorFunction
from inference.types import AnyArray, Tensor

BINARY_CLASSES = ("0", "1")
SUM_TOLERANCE = 1e-2  # for the sum of probabilities
PROBE_VALUES = (0, 1)
POSITION_NOTICE = "label: the class with the highest score, because the output with the label is its position, 0 or 1."
SORTED_NOTICE = (
    "output: raw, because TopK sorts {names} by score, so their positions are not classes. To store labels, export the "
    "model without TopK."
)


@dataclass(frozen=True, slots=True)
class OnnxOutput:
    """The kind of output with the keys of `model.toml`, the classes, and how they were derived."""

    output: Mapping[str, Any] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


def describe_outputs(
    graph: OnnxGraph, call: TensorFunction, inputs: Sequence[Tensor], outputs: Sequence[Tensor]
) -> OnnxOutput:
    """Return what the graph defines about the outputs. Everything is empty if nothing is certain.

    A classifier has one output with a label, one with a score per class, or both.

    Args:
        call: runs the model, to distinguish probabilities from decision values.
    """
    scores = [tensor.name for tensor in outputs if _is_score(tensor)]
    if scores and all(map(graph.is_sorted, scores)):
        return OnnxOutput({"kind": "raw"}, notices=(SORTED_NOTICE.format(names=format_names(scores)),))
    if columns := _describe_columns(graph, call, inputs, outputs):
        return columns
    return _describe_unsorted_outputs(graph, call, inputs, outputs)


def _describe_columns(
    graph: OnnxGraph, call: TensorFunction, inputs: Sequence[Tensor], outputs: Sequence[Tensor]
) -> OnnxOutput | None:
    """Return the classes of a label that is followed by one output per class (`zipmap="columns"` of skl2onnx), or None."""
    label, scores = outputs[0], outputs[1:]
    columns = [graph.find_column(tensor.name) for tensor in scores if _is_score(tensor) and _get_width(tensor) == 1]
    classes = format_classes(graph.find_classes(label.name), label.dtype)
    source = columns[0][0] if columns and columns[0] else ""
    if _is_score(label) or len(classes) < 2 or columns != [(source, position) for position in range(len(classes))]:
        return None
    notice = f"classes: {', '.join(classes)[:200]}, from the ONNX graph."
    if graph.has_decision_values(source) or _find_invalid_sum(call, inputs, outputs, scores):
        return OnnxOutput({"kind": "label", "name": label.name}, classes, (notice, _explain_label(label, scores)))
    return OnnxOutput({"kind": "classes", "name": "", "label_name": label.name}, classes, (notice,))


def _explain_label(label: Tensor, scores: Sequence[Tensor]) -> str:
    names = format_names([tensor.name for tensor in scores])
    return f"output: {label.name}, because the numbers of {names} are not probabilities."


def _describe_unsorted_outputs(
    graph: OnnxGraph, call: TensorFunction, inputs: Sequence[Tensor], outputs: Sequence[Tensor]
) -> OnnxOutput:
    label = _find_only([tensor for tensor in outputs if not _is_score(tensor)])
    scores = _find_only([tensor for tensor in outputs if _is_score(tensor)])
    if len(outputs) > 2 or (label is None and scores is None) or (len(outputs) == 2 and (label is None or scores is None)):
        return OnnxOutput()
    if label is not None and scores is not None and _get_width(label) > 1:
        return _describe_multi_label(graph, label, scores)
    classes = _find_classes(graph, label, scores)
    if not classes:
        return OnnxOutput()
    notice = f"classes: {', '.join(classes)[:200]}, from the ONNX graph."
    if scores is None or graph.has_decision_values(scores.name) or _find_invalid_sum(call, inputs, outputs, [scores]):
        if label is None:
            return OnnxOutput()
        reason = [] if scores is None else [_explain_label(label, [scores])]
        name = {"name": label.name} if len(outputs) > 1 else {}
        return OnnxOutput({"kind": "label", **name}, classes, (notice, *reason))
    is_position = label is not None and graph.returns_positions(label.name)
    names = {} if label is None else {"name": scores.name, "label_name": "" if is_position else label.name}
    return OnnxOutput({"kind": "classes", **names}, classes, (notice, POSITION_NOTICE) if is_position else (notice,))


def is_label_pairs(shape: Sequence[Any]) -> bool:
    """Return whether the shape is `(k, any, 2)`: a pair of scores per label and row, with the labels first."""
    return len(shape) == 3 and isinstance(shape[0], int) and shape[0] > 1 and not isinstance(shape[1], int) and shape[2] == 2


def to_label_scores(array: AnyArray) -> AnyArray:
    """Return the scores `(n, k)` of k labels from pairs of scores `(k, n, 2)`, for the classes 0 and 1 of each label."""
    return array[:, :, 1].T


def _describe_multi_label(graph: OnnxGraph, label: Tensor, scores: Tensor) -> OnnxOutput:
    width = _get_width(label)
    parts = [format_classes(graph.find_classes(part), "int64") for part in graph.find_parts(label.name)]
    is_binary = all(classes == BINARY_CLASSES for classes in parts) and len(parts) in (0, width)
    has_pairs = bool(parts) and scores.dtype == "object"
    if label.dtype.startswith(("int", "uint", "bool")) and is_binary and (has_pairs or scores.shape == (width,)):
        return OnnxOutput({"kind": "labels", "name": scores.name, "label_name": label.name})
    return OnnxOutput()


def _find_classes(graph: OnnxGraph, label: Tensor | None, scores: Tensor | None) -> tuple[str, ...]:
    dtype = "" if label is None else label.dtype
    found = next((found for tensor in (label, scores) if tensor and (found := graph.find_classes(tensor.name))), ())
    classes = format_classes(found, dtype)
    width = None if scores is None or scores.dtype == "object" or None in scores.shape else _get_width(scores)
    is_complete = len(classes) > 1 and len(set(classes)) == len(classes)
    is_decision_value = label is not None and (width, len(classes)) == (1, 2)
    return classes if is_complete and (width in (None, len(classes)) or is_decision_value) else ()


def _find_invalid_sum(
    call: TensorFunction, inputs: Sequence[Tensor], outputs: Sequence[Tensor], scores: Sequence[Tensor]
) -> bool:
    """Return whether the scores of a sample do not add up to 1. Models that cannot run on the sample are not checked."""
    indices = [index for index, tensor in enumerate(outputs) if tensor in scores]
    for value in PROBE_VALUES:
        arrays = [_make_probe(tensor, value) for tensor in inputs]
        try:
            results = call(arrays)
        # onnxruntime's exceptions have no common base class. An encoder can reject the sample.
        except Exception:  # noqa: S112
            continue
        rows = [results[index][0] for index in indices]
        parts = [list(row.values()) if isinstance(row, Mapping) else np.ravel(row) for row in rows]
        numbers = np.concatenate(parts).astype(np.float64)
        if np.isfinite(numbers).all() and (numbers.min() < -SUM_TOLERANCE or abs(numbers.sum() - 1) > SUM_TOLERANCE):
            return True
    return False


def _make_probe(tensor: Tensor, value: int) -> AnyArray:
    shape = (1, *(size or 1 for size in tensor.shape))
    return np.full(shape, str(value), np.object_) if tensor.dtype == "str" else np.full(shape, value, tensor.dtype)


def _find_only(tensors: Sequence[Tensor]) -> Tensor | None:
    return tensors[0] if len(tensors) == 1 else None


def _is_score(tensor: Tensor) -> bool:
    return tensor.dtype.startswith("float") or tensor.dtype == "object"


def _get_width(tensor: Tensor) -> int:
    return prod(size or 1 for size in tensor.shape)
