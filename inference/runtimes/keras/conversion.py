"""Convert the graph of a Keras network to ONNX, so that it runs without TensorFlow's cost per call.

A call of TensorFlow takes 0.17 ms of CPU time even for the smallest network, and loading the digits example with it 4 s and
475 MB; onnxruntime needs 0.006 ms, 0.04 s, and 40 MB. LiteRT is as fast and smaller, but failed for two recurrent networks
among the 39 networks of the test suite (ONNX: for one, which `check_indices` refuses), and it would be another library of
59 MB. docs/keras.md contains the comparison.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Any

from inference.errors import ConversionRefused
from inference.messages import format_bytes
from inference.runtimes.converted import METADATA_KEY, make_metadata
from inference.types import Tensor

# tf2onnx needs memory for about 40 copies of the weights: 3.9 GB for ResNet50 (98 MB), 1.1 GB for EfficientNetB0 (20 MB).
MAX_GRAPH_BYTES = 48 * 2**20
MAX_NODES = 10_000
# Operators that select by number, and the position of the numbers among their inputs. For a number outside the table,
# TensorFlow fails, and onnxruntime returns another row: it counts negative numbers from the end.
INDEX_POSITIONS = {"Gather": 1, "GatherND": 1, "GatherElements": 1, "ScatterND": 1, "ScatterElements": 1, "OneHot": 0}
SHAPE_OPERATORS = {"Shape", "Size"}


def convert_function(function: Any, inputs: Sequence[Tensor], outputs: Sequence[Tensor], *, single_rows: bool) -> bytes:
    """Return a concrete function of TensorFlow as an ONNX file for `ConvertedRuntime`.

    Args:
        inputs, outputs: the tensors of the network, in the order of the function.
        single_rows: the function takes one row per call.

    Raises:
        ConversionRefused: the graph is too large, or would accept inputs that TensorFlow rejects.
        Exception: of tf2onnx or TensorFlow, if the graph cannot be converted.
    """
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    frozen = convert_variables_to_constants_v2(function, lower_control_flow=False, aggressive_inlining=True)
    input_names, output_names = ([tensor.name for tensor in side] for side in (frozen.inputs, frozen.outputs))
    graph = frozen.graph.as_graph_def(add_shapes=True)
    _check_size(graph)
    model = _convert_graph(tf, graph, input_names, output_names)
    check_indices(model.graph)
    metadata = make_metadata(
        inputs=dict(zip(input_names, inputs, strict=True)),
        outputs=dict(zip(output_names, outputs, strict=True)),
        single_rows=single_rows,
    )
    model.metadata_props.add(key=METADATA_KEY, value=metadata)
    data: bytes = model.SerializeToString()
    return data


def check_indices(graph: Any) -> None:
    """Check that no row of a table is selected by a number that depends on the inputs, as embeddings do.

    Raises:
        ConversionRefused: there is such an operator, or an operator that selects inside a loop.
    """
    dependent = {item.name for item in graph.input}
    for node in graph.node:  # in topological order
        position = INDEX_POSITIONS.get(node.op_type)
        inner = {inner.op_type for part in node.attribute if part.HasField("g") for inner in _walk(part.g)}
        if (position is not None and node.input[position] in dependent) or inner & INDEX_POSITIONS.keys():
            raise ConversionRefused(f"{node.op_type} {node.name} selects by numbers that depend on the inputs")
        if node.op_type not in SHAPE_OPERATORS and not dependent.isdisjoint(node.input):
            dependent.update(node.output)


def _walk(graph: Any) -> Iterator[Any]:
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _walk(attribute.g)


def _check_size(graph: Any) -> None:
    if graph.ByteSize() > MAX_GRAPH_BYTES or len(graph.node) > MAX_NODES:
        raise ConversionRefused(
            f"its graph has {format_bytes(graph.ByteSize())} and {len(graph.node):,} operations; the limits are "
            f"{format_bytes(MAX_GRAPH_BYTES)} and {MAX_NODES:,}"
        )


def _convert_graph(tf: Any, graph: Any, input_names: list[str], output_names: list[str]) -> Any:
    """Return the ONNX model of a frozen graph.

    `tf2onnx.convert.from_function` takes constants that a function has captured for inputs, and so fails for networks with
    `Normalization`. It also copies the graph before each of its optimizers, to continue if one fails.
    """
    from tf2onnx import optimizer, tf_loader, tfonnx

    logger = logging.getLogger("tf2onnx")
    level = logger.level
    logger.setLevel(logging.CRITICAL)  # it logs each operation that it cannot convert, and then fails
    try:
        with tf.Graph().as_default():
            tf.import_graph_def(graph, name="")
            graph = tf_loader.tf_optimize(input_names, output_names, graph)
        with tf.Graph().as_default() as optimized:
            tf.import_graph_def(graph, name="")
            converted = tfonnx.process_tf_graph(optimized, input_names=input_names, output_names=output_names)
        return optimizer.optimize_graph(converted, catch_errors=False).make_model("converted from Keras")
    finally:
        logger.setLevel(level)
