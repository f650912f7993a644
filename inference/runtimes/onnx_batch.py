"""Find operators whose result for one row of a batch depends on the other rows."""

from __future__ import annotations

from inference.runtimes.onnx_graph import OnnxGraph

QUANTIZER = "DynamicQuantizeLinear"  # computes its scale from the smallest and the largest number of the batch
CONDITION = "If"  # selects a branch for the whole batch
SIZE_OPERATORS = ("Shape", "Size")  # their result depends on the size of a batch, not on its values


def find_batch_problem(graph: OnnxGraph) -> str:
    """Return why the rows of a batch can change each other's results, or an empty string. It names the operator."""
    for node in graph.nodes:
        if node.op_type == QUANTIZER:
            return f"the ONNX graph contains {QUANTIZER}, which uses the range of the whole batch"
        if node.op_type == CONDITION and _depends_on_values(graph, node.input[0]):
            return f"the ONNX graph contains {CONDITION}, which selects one branch for the whole batch"
    return ""


def _depends_on_values(graph: OnnxGraph, name: str) -> bool:
    """Return whether a tensor is computed from the values of an input of the graph."""
    pending, seen = [name], set[str]()
    while pending:
        name = pending.pop()
        if name in seen or name in graph.initializers or not name:
            continue
        seen.add(name)
        node = graph.producers.get(name)
        if node is None:
            return True
        if node.op_type not in SIZE_OPERATORS:
            pending.extend(node.input)
    return False
