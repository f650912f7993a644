"""ONNX files that are refused: no models, models of fixed batches, and models whose weights lie elsewhere."""

import os

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from inference.errors import InvalidArtifact
from inference.tests.factories import make_doubling_model, make_onnx_model, serve_artifact, write_onnx

pytestmark = pytest.mark.xdist_group("onnx")
SECRET = b"SECRET_KEY=" + bytes(range(65, 86))
ROWS = [["x", TensorProto.INT64, ["n", 1]]], [["y", TensorProto.UINT8, ["n", 1]]]


def refused(path, says):
    with pytest.raises(InvalidArtifact, match=says) as caught, serve_artifact(path, output={"kind": "raw"}):
        pass
    return caught.value.message


def elsewhere(location, name="w"):
    """Return a tensor whose bytes are those of a file."""
    tensor = TensorProto(name=name, data_type=TensorProto.UINT8, dims=[32], data_location=TensorProto.EXTERNAL)
    for key, value in {"location": location, "offset": "0", "length": "32"}.items():
        tensor.external_data.add(key=key, value=value)
    return tensor


def as_weight(location):
    return make_onnx_model([helper.make_node("Gather", ["w", "x"], ["y"])], *ROWS, w=elsewhere(location))


def as_constant(location):
    nodes = [helper.make_node("Constant", [], ["c"], value=elsewhere(location, "c"))]
    return make_onnx_model([*nodes, helper.make_node("Gather", ["c", "x"], ["y"])], *ROWS)


def in_a_branch(location):
    def branch():
        given = helper.make_tensor_value_info("z", TensorProto.UINT8, None)
        return helper.make_graph([helper.make_node("Gather", ["w", "x"], ["z"])], "b", [], [given], [elsewhere(location)])

    nodes = [
        helper.make_node("ReduceSum", ["x"], ["s"], keepdims=0),
        helper.make_node("Cast", ["s"], ["b"], to=TensorProto.BOOL),
        helper.make_node("If", ["b"], ["y"], then_branch=branch(), else_branch=branch()),
    ]
    return make_onnx_model(nodes, *ROWS)


@pytest.mark.parametrize("make", [as_weight, as_constant, in_a_branch])
@pytest.mark.parametrize("location", ["secret.env", "./secret.env", "../secret.env", "{folder}/secret.env", "none"])
def test_no_other_file_is_read_as_weights(tmp_path, monkeypatch, make, location):
    """Neither beside the model nor in the working directory: whoever wrote the model could ask for its bytes."""
    (tmp_path / "secret.env").write_bytes(SECRET)
    monkeypatch.chdir(tmp_path)
    path = write_onnx(make(location.format(folder=tmp_path)), tmp_path / "thief.onnx")
    says = refused(path, r"all weights of thief\.onnx inside it; it names other files \(external data\)")
    assert str(tmp_path) not in says


def test_weights_that_onnx_itself_put_in_another_file_are_refused(tmp_path):
    weights = np.ones((64, 64), np.float32)
    sides = ([[name, TensorProto.FLOAT, ["n", 64]]] for name in "xy")
    model = make_onnx_model([helper.make_node("MatMul", ["x", "w"], ["y"])], *sides, w=weights)
    path = tmp_path / "large.onnx"
    onnx.save(model, path, save_as_external_data=True, location="large.bin", size_threshold=0)
    assert (tmp_path / "large.bin").stat().st_size >= weights.nbytes
    refused(path, r"Save it as one file: onnx\.save\(onnx\.load\(path\), path\)")
    onnx.save(onnx.load(path), path)
    with serve_artifact(path, output={"kind": "raw"}):
        pass


@pytest.mark.parametrize("data", [b"", b"not a model", onnx.ModelProto(ir_version=9).SerializeToString()])
def test_what_is_no_onnx_model_is_named(tmp_path, data):
    path = tmp_path / "broken.onnx"
    path.write_bytes(data)
    refused(path, r"cannot load broken\.onnx\. Is it cut off, or no ONNX model\? ")


def test_a_file_that_is_cut_off_is_named(tmp_path):
    path = write_onnx(make_doubling_model("n"), tmp_path / "cut.onnx")
    os.truncate(path, path.stat().st_size // 2)
    refused(path, r"cannot load cut\.onnx\. Is it cut off, or no ONNX model\? ")


def test_a_batch_size_of_several_is_refused(tmp_path):
    path = write_onnx(make_doubling_model(4), tmp_path / "four.onnx")
    refused(path, r"Expected a free batch size, or 1\. x takes 4 rows at once: save the model with a free batch size")


def test_an_input_without_a_batch_is_refused(tmp_path):
    model = make_onnx_model([helper.make_node("Identity", ["x"], ["y"])], [["x", TensorProto.FLOAT, []]], [["y", 1, []]])
    refused(write_onnx(model, tmp_path / "scalar.onnx"), r"tensors with a batch dimension\. x is tensor\(float\)\[\]")
