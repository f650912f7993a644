"""Registration of models whose inputs do not run together, or only together."""

import numpy as np
import pytest
from onnx import TensorProto, helper

from core.tests.commands import run_command
from inference.tests.factories import make_onnx_model, write_onnx
from registry.models import ModelVersion

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("onnx")]


def write_folder(folder, nodes, **weights):
    ends = [["x", TensorProto.FLOAT, ["n", 2]]], [["y", TensorProto.FLOAT, ["n", 2]]]
    write_onnx(make_onnx_model(nodes, *ends, **weights), folder / "rows.onnx")
    (folder / "model.toml").write_text('artifact = "rows.onnx"\n[output]\nkind = "raw"\n')
    return folder


def make_branch(operator):
    output = helper.make_tensor_value_info("z", TensorProto.FLOAT, ["n", 2])
    return helper.make_graph([helper.make_node(operator, ["x"], ["z"])], "b", [], [output])


def test_a_graph_that_selects_a_branch_for_the_batch_runs_row_by_row(tmp_path):
    nodes = [
        helper.make_node("ReduceMax", ["x"], ["s"], keepdims=0),
        helper.make_node("Greater", ["s", "limit"], ["b"]),  # more than the generated inputs
        helper.make_node("If", ["b"], ["y"], then_branch=make_branch("Neg"), else_branch=make_branch("Identity")),
    ]
    run_command("register_model", write_folder(tmp_path, nodes, limit=np.float32(1e9)))
    version = ModelVersion.objects.get()
    assert version.signature["single_rows"] is True
    assert "the ONNX graph contains If, which selects one branch for the whole batch" in version.notices[-1]


def test_a_model_that_runs_only_on_several_inputs_is_rejected(tmp_path):
    nodes = [helper.make_node("Reshape", ["x", "shape"], ["y"])]
    error = run_command("register_model", write_folder(tmp_path, nodes, shape=np.array([4, 2])))[2]
    assert "The model fails on one input, but runs on 4 at a time. Save it with a variable batch size" in error
