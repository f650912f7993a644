"""ONNX graphs in which the rows of a batch change each other's results."""

import pytest
from onnx import TensorProto, helper

from inference.runtimes import load_artifact
from inference.tests.factories import make_onnx_model, write_onnx

pytestmark = pytest.mark.xdist_group("onnx")
ENDS = [["x", TensorProto.FLOAT, ["n", 2]]], [["y", TensorProto.FLOAT, None]]
QUANTIZE = [
    helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "scale", "zero"]),
    helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["y"]),
]


def make_branch(operator):
    output = helper.make_tensor_value_info("z", TensorProto.FLOAT, None)
    return helper.make_graph([helper.make_node(operator, ["x"], ["z"])], "b", [], [output])


def make_condition(nodes):
    """Return nodes of which the last one selects a branch by the tensor `s`."""
    return [
        *nodes,
        helper.make_node("Cast", ["s"], ["b"], to=TensorProto.BOOL),
        helper.make_node("If", ["b"], ["y"], then_branch=make_branch("Neg"), else_branch=make_branch("Abs")),
    ]


@pytest.mark.parametrize(
    ("nodes", "problem"),
    [
        (QUANTIZE, "the ONNX graph contains DynamicQuantizeLinear, which uses the range of the whole batch"),
        (
            make_condition([helper.make_node("ReduceMax", ["x"], ["s"], keepdims=0)]),
            "the ONNX graph contains If, which selects one branch for the whole batch",
        ),
        (make_condition([helper.make_node("Shape", ["x"], ["n"]), helper.make_node("ReduceMax", ["n"], ["s"])]), ""),
        ([helper.make_node("Neg", ["x"], ["y"])], ""),
    ],
)
def test_operators_that_use_the_whole_batch_are_found(tmp_path, nodes, problem):
    path = write_onnx(make_onnx_model(nodes, *ENDS), tmp_path / "m.onnx")
    runtime, _ = load_artifact("onnx", path)
    assert runtime.describe().batch_problem == problem
