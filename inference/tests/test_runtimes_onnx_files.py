"""ONNX files that are rejected: invalid files, fixed batch sizes and external weights."""

import os

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from inference.tests.factories import assert_not_served, make_doubling_model, make_onnx_model, serve_artifact, write_onnx

pytestmark = pytest.mark.xdist_group("onnx")
SECRET = b"SECRET_KEY=" + bytes(range(65, 86))
ROW_SHAPES = [["x", TensorProto.INT64, ["n", 1]]], [["y", TensorProto.UINT8, ["n", 1]]]


def assert_rejected(path, message):
    return assert_not_served(path, message, trusted=False, output={"kind": "raw"})


def make_external_tensor(location, name="w"):
    """Return a tensor whose data is in another file."""
    tensor = TensorProto(name=name, data_type=TensorProto.UINT8, dims=[32], data_location=TensorProto.EXTERNAL)
    for key, value in {"location": location, "offset": "0", "length": "32"}.items():
        tensor.external_data.add(key=key, value=value)
    return tensor


def make_weight_model(location):
    return make_onnx_model([helper.make_node("Gather", ["w", "x"], ["y"])], *ROW_SHAPES, w=make_external_tensor(location))


def make_constant_model(location):
    nodes = [helper.make_node("Constant", [], ["c"], value=make_external_tensor(location, "c"))]
    return make_onnx_model([*nodes, helper.make_node("Gather", ["c", "x"], ["y"])], *ROW_SHAPES)


def make_branch_model(location):
    def make_branch():
        output = helper.make_tensor_value_info("z", TensorProto.UINT8, None)
        return helper.make_graph(
            [helper.make_node("Gather", ["w", "x"], ["z"])], "b", [], [output], [make_external_tensor(location)]
        )

    nodes = [
        helper.make_node("ReduceSum", ["x"], ["s"], keepdims=0),
        helper.make_node("Cast", ["s"], ["b"], to=TensorProto.BOOL),
        helper.make_node("If", ["b"], ["y"], then_branch=make_branch(), else_branch=make_branch()),
    ]
    return make_onnx_model(nodes, *ROW_SHAPES)


@pytest.mark.parametrize("make", [make_weight_model, make_constant_model, make_branch_model])
@pytest.mark.parametrize("location", ["secret.env", "./secret.env", "../secret.env", "{folder}/secret.env", "none"])
def test_external_weights_are_not_read(tmp_path, monkeypatch, make, location):
    """A model must not read other files, neither next to it nor in the working directory."""
    (tmp_path / "secret.env").write_bytes(SECRET)
    monkeypatch.chdir(tmp_path)
    path = write_onnx(make(location.format(folder=tmp_path)), tmp_path / "thief.onnx")
    message = assert_rejected(
        path, r"thief\.onnx must contain all of its weights\. It refers to other files \(external data\)"
    )
    assert str(tmp_path) not in message


def test_external_weights_that_onnx_saved_are_rejected(tmp_path):
    weights = np.ones((64, 64), np.float32)
    sides = ([[name, TensorProto.FLOAT, ["n", 64]]] for name in "xy")
    model = make_onnx_model([helper.make_node("MatMul", ["x", "w"], ["y"])], *sides, w=weights)
    path = tmp_path / "large.onnx"
    onnx.save(model, path, save_as_external_data=True, location="large.bin", size_threshold=0)
    assert (tmp_path / "large.bin").stat().st_size >= weights.nbytes
    assert_rejected(path, r"Save it as a single file: onnx\.save\(onnx\.load\(path\), path\)")
    onnx.save(onnx.load(path), path)
    with serve_artifact(path, output={"kind": "raw"}):
        pass


@pytest.mark.parametrize("data", [b"", b"not a model", onnx.ModelProto(ir_version=9).SerializeToString()])
def test_invalid_files_are_rejected(tmp_path, data):
    path = tmp_path / "broken.onnx"
    path.write_bytes(data)
    assert_rejected(path, r"cannot load broken\.onnx\. The file may be incomplete or not an ONNX model\. ")


def test_truncated_file_is_rejected(tmp_path):
    path = write_onnx(make_doubling_model("n"), tmp_path / "truncated.onnx")
    os.truncate(path, path.stat().st_size // 2)
    assert_rejected(path, r"cannot load truncated\.onnx\. The file may be incomplete or not an ONNX model\. ")


def test_fixed_batch_size_is_rejected(tmp_path):
    path = write_onnx(make_doubling_model(4), tmp_path / "four.onnx")
    assert_rejected(
        path, r"must be variable or 1\. x has a fixed batch size of 4: save the model with a variable batch size"
    )


def test_input_without_batch_dimension_is_rejected(tmp_path):
    model = make_onnx_model([helper.make_node("Identity", ["x"], ["y"])], [["x", TensorProto.FLOAT, []]], [["y", 1, []]])
    assert_rejected(
        write_onnx(model, tmp_path / "scalar.onnx"), r"must be tensors with a batch dimension\. x is tensor\(float\)\[\]"
    )


@pytest.mark.parametrize(
    ("domain", "opset", "message"),
    [
        ("my.ops", 17, "contains the operator my.ops:Twice, which ONNX Runtime .* does not have. Export the model again"),
        ("", 99, "was saved for a newer version of ONNX than ONNX Runtime .* Export it again with an older one"),
    ],
)
def test_operators_that_do_not_exist_are_named(tmp_path, domain, opset, message):
    nodes = [helper.make_node("Twice" if domain else "Neg", ["x"], ["y"], domain=domain)]
    model = make_onnx_model(nodes, [["x", TensorProto.FLOAT, ["n", 2]]], [["y", TensorProto.FLOAT, ["n", 2]]])
    del model.opset_import[:]
    model.opset_import.extend([helper.make_opsetid("", opset), *([helper.make_opsetid(domain, 1)] if domain else [])])
    assert_rejected(write_onnx(model, tmp_path / "m.onnx"), message)


def test_type_that_an_operator_does_not_take_is_named(tmp_path):
    sides = ([[name, TensorProto.DOUBLE, ["n", 1, 4, 4]]] for name in "xy")
    weights = np.ones((1, 1, 2, 2))
    model = make_onnx_model([helper.make_node("Conv", ["x", "w"], ["y"], pads=[0, 0, 1, 1])], *sides, w=weights)
    path = write_onnx(model, tmp_path / "double.onnx")
    assert_rejected(path, r"double\.onnx runs Conv with a type of numbers .* such as double\. Convert the model to float32")
