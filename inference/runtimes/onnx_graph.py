"""Read from an ONNX graph what onnxruntime does not report: class names, and how pixels are scaled.

The `onnx` package only parses the file. It is imported when a model is registered, not when it is served.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from inference.types import AnyArray

MAX_STEPS = 20  # nodes between an output and the node with its classes
# Operators that keep the order of classes, https://onnx.ai/onnx/operators/
SHAPE_OPERATORS = {"Cast", "Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten"}
UNCHANGED_OPERATORS = SHAPE_OPERATORS | {"Normalizer"}
CLASSIFIERS = {"LinearClassifier", "SVMClassifier", "TreeEnsembleClassifier"}
CLASS_ATTRIBUTES = ("classlabels_strings", "classlabels_int64s", "classlabels_ints")
LOOKUPS = {"ArrayFeatureExtractor", "Gather"}
PIXEL_OPERATORS = {"Cast", "Identity", "Transpose"}  # operators that keep the range of pixels
PIXEL_RANGES = {
    8: (255.0, 256.0, 127.5, 128.0),
    **{bits: (2.0**bits - 1, 2.0**bits, (2.0**bits - 1) / 2, 2.0 ** (bits - 1)) for bits in (10, 12, 14, 16)},
}
"""Divisors of pixels, by the number of bits of their values."""
MIN_PIXEL_MEAN = 10.0  # a mean that is subtracted from pixels of 0 to 1 cannot be this large
MAX_PIXEL_MEAN = 255.0  # a larger one is subtracted from the values of 16-bit images
# Means and standard deviations of pixels from 0 to 1, such as those of ImageNet
UNIT_MEAN_RANGE, UNIT_STD_RANGE = (0.1, 0.9), (0.05, 0.6)
RELATIVE_TOLERANCE = 1e-4


class PixelOperation(NamedTuple):
    """An operation such as `Div 255`, and the number of bits of the pixels that it scales; 0 for pixels from 0 to 1."""

    name: str
    bits: int

    @property
    def keys(self) -> dict[str, Any]:
        """Return the keys of `[input]`."""
        if not self.bits:
            return {"scale": "unit"}
        return {"scale": "none"} if self.bits == 8 else {"scale": "stored", "bits": self.bits}


class OnnxGraph:
    """The main graph of a model.

    Attributes:
        nodes: in their order.
        producers: the node that computes each tensor.
        initializers: the constant tensors, by name.
    """

    def __init__(self, data: bytes) -> None:
        import onnx
        from google.protobuf.message import DecodeError

        try:
            graph = onnx.load_model_from_string(data).graph
        except DecodeError:  # onnxruntime also loads its own format, which contains no ONNX graph
            graph = onnx.GraphProto()
        self._helper = onnx.helper
        self._to_array = onnx.numpy_helper.to_array
        self.nodes = list(graph.node)
        self.producers = {name: node for node in graph.node for name in node.output}
        self.initializers = {tensor.name: tensor for tensor in graph.initializer}

    def find_classes(self, output: str) -> tuple[Any, ...]:
        """Return the classes of an output with labels or scores, in their order; empty if they are not in the graph."""
        node = self._find_origin(output)
        if node is None:
            return ()
        attributes = self._get_attributes(node)
        if node.op_type in CLASSIFIERS or node.op_type == "ZipMap":
            found = next((attributes[name] for name in CLASS_ATTRIBUTES if attributes.get(name)), ())
            return tuple(_decode(found))
        if node.op_type in LOOKUPS:
            indices, classes = self._find_origin(node.input[1]), self._get_constant(node.input[0])
            is_lookup = indices is not None and indices.op_type == "ArgMax" and classes is not None
            return tuple(_decode(classes.ravel().tolist())) if is_lookup and classes is not None else ()
        if node.op_type == "LabelEncoder":
            return self._translate_classes(node, attributes)
        return ()

    def find_parts(self, output: str) -> list[str]:
        """Return the tensors of which an output consists, one per label of a multi-label model, or an empty list."""
        node = self._find_origin(output)
        return list(node.input) if node is not None and node.op_type in ("Concat", "SequenceConstruct") else []

    def find_column(self, output: str) -> tuple[str, int] | None:
        """Return the tensor of which an output is one column, and the position of the column; None for other outputs."""
        node = self._find_origin(output)
        starts = self._get_constant(node.input[1]) if node is not None and node.op_type == "Slice" else None
        return (node.input[0], int(starts.ravel()[-1])) if starts is not None and starts.size else None

    def is_sorted(self, output: str) -> bool:
        """Return whether an output contains the highest scores in descending order, or their classes (`TopK`)."""
        node = self._find_origin(output)
        return node is not None and node.op_type == "TopK"

    def ends_with_sigmoid(self, output: str) -> bool:
        """Return whether an output consists of the numbers that a `Sigmoid` returns."""
        node = self._find_origin(output, SHAPE_OPERATORS)
        return node is not None and node.op_type == "Sigmoid"

    def returns_positions(self, output: str) -> bool:
        """Return whether onnxruntime returns the label of two classes as 0 or 1, even if the classes are other numbers.

        It does so for trees whose leaves have a weight for each of the two classes, such as those of CatBoost.
        """
        node = self._find_origin(output)
        if node is None or node.op_type != "TreeEnsembleClassifier":
            return False
        attributes = self._get_attributes(node)
        classes = list(attributes.get("classlabels_int64s", ()))
        return len(classes) == 2 and classes != [0, 1] and len(set(attributes.get("class_ids", ()))) == 2

    def has_decision_values(self, output: str) -> bool:
        """Return whether the scores of a linear model or an SVM are decision values instead of probabilities."""
        node = self._find_origin(output)
        if node is not None and node.op_type == "ZipMap":
            return self.has_decision_values(node.input[0])
        if node is None or node.op_type not in ("LinearClassifier", "SVMClassifier"):
            return False
        attributes = self._get_attributes(node)
        is_raw = attributes.get("post_transform", b"NONE") == b"NONE" and not attributes.get("prob_a")
        return is_raw and not self._is_normalized(output)

    def find_pixel_operation(self, input_name: str) -> PixelOperation | None:
        """Return how the graph itself scales pixels, or None if that is not certain."""
        for _ in range(MAX_STEPS):
            consumers = [node for node in self.nodes if input_name in node.input]
            if len(consumers) != 1:
                return None
            node = consumers[0]
            if node.op_type not in PIXEL_OPERATORS:
                return self._describe_pixel_operation(node, input_name)
            input_name = node.output[0]
        return None

    def _describe_pixel_operation(self, node: Any, input_name: str) -> PixelOperation | None:
        numbers = self._get_operand(node, input_name)
        if numbers is None:
            return None
        bits = _match_bits(node.op_type, numbers)
        if not bits and not (node.op_type == "Sub" and _is_within(numbers, UNIT_MEAN_RANGE) and self._divides_by_std(node)):
            return None
        return PixelOperation(f"{node.op_type} {', '.join(f'{number:.6g}' for number in numbers[:3])}", bits)

    def _divides_by_std(self, node: Any) -> bool:
        """Return whether the next operation divides by the standard deviation of pixels from 0 to 1."""
        consumers = [other for other in self.nodes if node.output[0] in other.input]
        numbers = self._get_operand(consumers[0], node.output[0]) if len(consumers) == 1 else None
        if numbers is None or consumers[0].op_type not in ("Div", "Mul") or not np.all(numbers):
            return False
        return _is_within(numbers if consumers[0].op_type == "Div" else 1 / numbers, UNIT_STD_RANGE)

    def _get_operand(self, node: Any, input_name: str) -> AnyArray | None:
        """Return the numbers that an operation combines with a tensor, or None if they are not constant."""
        if len(node.input) != 2 or (node.input[0] != input_name and node.op_type != "Mul"):
            return None
        operand = self._get_constant(next((name for name in node.input if name != input_name), ""))
        if operand is None or operand.size == 0 or operand.dtype.kind not in "fiu":
            return None
        return operand.astype(np.float64).ravel()

    def _find_origin(self, name: str, skipped: Collection[str] = UNCHANGED_OPERATORS) -> Any:
        """Return the node that computes a tensor, before operators that keep the order of classes."""
        for _ in range(MAX_STEPS):
            node = self.producers.get(name)
            if node is None or node.op_type not in skipped:
                return node
            name = node.input[0]
        return None

    def _is_normalized(self, name: str) -> bool:
        node = self.producers.get(name)
        while node is not None and node.op_type in UNCHANGED_OPERATORS:
            if node.op_type == "Normalizer":
                return True
            node = self.producers.get(node.input[0])
        return False

    def _translate_classes(self, node: Any, attributes: dict[str, Any]) -> tuple[Any, ...]:
        """Return the values of a `LabelEncoder` in the order of its input's classes, or of its keys 0, 1, 2…"""
        keys, values = (
            _decode(next((value for name, value in attributes.items() if name.startswith(prefix)), ()))
            for prefix in ("keys_", "values_")
        )
        mapping = dict(zip(keys, values, strict=False))
        inner = self.find_classes(node.input[0]) or tuple(range(len(mapping)))
        return tuple(mapping[key] for key in inner) if set(inner) == mapping.keys() else ()

    def _get_constant(self, name: str) -> AnyArray | None:
        if name in self.initializers:
            return np.asarray(self._to_array(self.initializers[name]))
        node = self.producers.get(name)
        if node is not None and node.op_type == "Identity":
            return self._get_constant(node.input[0])
        if node is None or node.op_type != "Constant":
            return None
        value: Any = next(iter(self._get_attributes(node).values()), None)
        return np.asarray(self._to_array(value) if hasattr(value, "dims") else value)

    def _get_attributes(self, node: Any) -> dict[str, Any]:
        return {attribute.name: self._helper.get_attribute_value(attribute) for attribute in node.attribute}


def format_classes(classes: Iterable[Any], dtype: str) -> tuple[str, ...]:
    """Return classes as an output with this dtype names them: 3.0 as `3` if the output is an integer."""
    if dtype.startswith(("int", "uint")):
        return tuple(str(int(name)) if isinstance(name, float | int) else str(name) for name in classes)
    if dtype == "bool":
        return tuple(str(bool(name)) for name in classes)
    return tuple(str(name) for name in classes)


def _decode(values: Sequence[Any]) -> list[Any]:
    return [value.decode("utf-8", "replace") if isinstance(value, bytes) else value for value in values]


def _match_bits(operator: str, numbers: AnyArray) -> int:
    """Return the number of bits of the pixels for which an operation with these numbers is usual; 0 if there is none."""
    if operator == "Sub":
        return 8 if np.all((numbers >= MIN_PIXEL_MEAN) & (numbers <= MAX_PIXEL_MEAN)) else 0
    if operator not in ("Mul", "Div") or not np.all(numbers):
        return 0
    divisors = 1 / numbers if operator == "Mul" else numbers
    return next(
        (bits for bits, ranges in PIXEL_RANGES.items() if all(_is_one_of(divisor, ranges) for divisor in divisors)), 0
    )


def _is_within(numbers: AnyArray, ends: tuple[float, float]) -> bool:
    return bool(np.all((numbers >= ends[0]) & (numbers <= ends[1])))


def _is_one_of(number: float, choices: Iterable[float]) -> bool:
    return any(abs(number - choice) <= RELATIVE_TOLERANCE * choice for choice in choices)
