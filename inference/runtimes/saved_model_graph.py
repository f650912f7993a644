"""Read from the graph of a SavedModel what TensorFlow does not report: the operation that computes an output."""

from __future__ import annotations

from pathlib import Path

MAX_STEPS = 50  # nodes between an output and the operation that computes it
# Operations that keep the numbers, https://www.tensorflow.org/api_docs/python/tf/raw_ops
SHAPE_OPERATIONS = {"Cast", "EnsureShape", "ExpandDims", "Identity", "Reshape", "Squeeze", "StopGradient"}
CALLS = {"PartitionedCall", "StatefulPartitionedCall"}


def find_final_operation(path: Path, *, signature: str, output: str) -> str:
    """Return the operation that computes an output, such as `Sigmoid`; empty if it is not certain.

    Args:
        path: the `saved_model.pb`.
        signature, output: their names.
    """
    from tensorflow.core.protobuf import saved_model_pb2

    graph = saved_model_pb2.SavedModel.FromString(path.read_bytes()).meta_graphs[0]
    functions = {function.signature.name: function for function in graph.graph_def.library.function}
    nodes = {node.name: node for node in graph.graph_def.node}
    reference = graph.signature_def[signature].outputs[output].name
    for _ in range(MAX_STEPS):
        name, _, place = reference.partition(":")  # in functions, the place has the name of an output: `node:output:0`
        node = nodes.get(name)
        if node is None:  # an argument of a function
            return ""
        if node.op in SHAPE_OPERATIONS:
            reference = node.input[0]
        elif node.op in CALLS:
            function = functions[node.attr["f"].func.name]
            nodes = {node.name: node for node in function.node_def}
            argument = function.signature.output_arg[int(place.rpartition(":")[2] or 0)]
            reference = function.ret[argument.name]
        else:
            return str(node.op)
    return ""
