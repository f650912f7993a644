"""Images through ONNX files, answered as onnxruntime answers."""

import numpy as np
import pytest
from onnx import TensorProto, helper
from PIL import Image

from inference.errors import InvalidSignature
from inference.preprocessing import to_array
from inference.tests.factories import make_onnx_model, run_batch, run_onnx, serve_artifact, write_onnx

pytestmark = pytest.mark.xdist_group("onnx")
NAMES = ("cat", "dog", "eel")
RANDOM = np.random.default_rng(5)
KERNELS, CLASSES = (RANDOM.normal(size=size).astype(np.float32) for size in ((4, 3, 3, 3), (4, 3)))
PICTURES = [Image.fromarray(RANDOM.integers(0, 256, (10, 14, 3), np.uint8)) for _ in range(5)]


def network(batch="n", height=10, width=14):
    """Return a small convolutional network of images with their channels first."""
    nodes = [
        helper.make_node("Conv", ["image", "kernels"], ["found"]),
        helper.make_node("Relu", ["found"], ["seen"]),
        helper.make_node("GlobalAveragePool", ["seen"], ["means"]),
        helper.make_node("Flatten", ["means"], ["flat"]),
        helper.make_node("MatMul", ["flat", "classes"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["scores"]),
    ]
    image = ["image", TensorProto.FLOAT, [batch, 3, height, width]]
    return make_onnx_model(nodes, [image], [["scores", TensorProto.FLOAT, [batch, 3]]], kernels=KERNELS, classes=CLASSES)


def summing(dtype, shape):
    """Return a model that adds up the numbers of an image, as float32."""
    axes = np.arange(1, len(shape), dtype=np.int64)
    nodes = [
        helper.make_node("Cast", ["image"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["numbers", "axes"], ["sum"], keepdims=0),
    ]
    return make_onnx_model(nodes, [["image", dtype, shape]], [["sum", TensorProto.FLOAT, [None]]], axes=axes)


def channels_first(picture, predictor):
    return to_array(picture, predictor.spec.signature.input).transpose(2, 0, 1)


@pytest.mark.parametrize("batch", ["n", 1])
def test_an_image_answers_as_onnxruntime_does(tmp_path, batch):
    path = write_onnx(network(batch), tmp_path / "n.onnx")
    with serve_artifact(path, labels=NAMES) as predictor:
        taken = predictor.spec.signature.input
        assert (taken.shape, taken.layout, taken.scale) == ((10, 14, 3), "channels-first", "unit")
        arrays = [channels_first(picture, predictor) for picture in PICTURES]
        expected = np.concatenate([run_onnx(path, {"image": array[None]})["scores"] for array in arrays])
        for picture, row in zip(PICTURES, expected, strict=True):
            answer = predictor.predict(picture, timeout=60)
            assert list(answer.output["scores"].values()) == pytest.approx(row, abs=1e-5)
            assert answer.label == NAMES[row.argmax()]
        assert np.abs(run_batch(predictor, arrays) - expected).max() < 1e-5


def test_an_image_of_free_size_has_the_size_that_is_told(tmp_path):
    path = write_onnx(network(height="h", width="w"), tmp_path / "n.onnx")
    with serve_artifact(path, input={"height": 20, "width": 30}, labels=NAMES) as predictor:
        taken = predictor.spec.signature.input
        assert (taken.shape, taken.layout) == ((20, 30, 3), "channels-first")
        row = run_onnx(path, {"image": channels_first(PICTURES[0], predictor)[None]})["scores"][0]
        answer = predictor.predict(PICTURES[0], timeout=60)
        assert list(answer.output["scores"].values()) == pytest.approx(row, abs=1e-5)
    with (
        pytest.raises(InvalidSignature, match=r"Expected height and width in \[input\]"),
        serve_artifact(path, labels=NAMES),
    ):
        pass


@pytest.mark.parametrize("shape", [["n", 10, 14, 3], ["n", 3, 10, 14]])
def test_pixels_reach_an_input_of_bytes_unscaled(tmp_path, shape):
    path = write_onnx(summing(TensorProto.UINT8, shape), tmp_path / "bytes.onnx")
    with serve_artifact(path, output={"kind": "value"}) as predictor:
        assert predictor.spec.signature.input.scale == "none"
        answer = predictor.predict(PICTURES[0], timeout=60)
    assert answer.value == np.asarray(PICTURES[0], np.float64).sum()
    refused = pytest.raises(InvalidSignature, match=r"scale = 'unit', which gives fractions, .* image uint8 \[")
    with refused, serve_artifact(path, input={"scale": "unit"}, output={"kind": "value"}):
        pass


def test_pixels_reach_an_input_of_half_precision_scaled(tmp_path):
    path = write_onnx(summing(TensorProto.FLOAT16, ["n", 3, 10, 14]), tmp_path / "half.onnx")
    with serve_artifact(path, output={"kind": "value"}) as predictor:
        half = channels_first(PICTURES[0], predictor)[None].astype(np.float16)
        assert predictor.predict(PICTURES[0], timeout=60).value == pytest.approx(run_onnx(path, {"image": half})["sum"][0])


def test_scores_of_half_precision_are_answered(tmp_path):
    nodes = [helper.make_node("Softmax", ["x"], ["y"])]
    rows = [[name, TensorProto.FLOAT16, [None, 3]] for name in "xy"]
    path = write_onnx(make_onnx_model(nodes, rows[:1], rows[1:]), tmp_path / "half.onnx")
    with serve_artifact(path, input={"features": [{"name": name} for name in "abc"]}, labels=NAMES) as predictor:
        answer = predictor.predict({"a": 1.0, "b": 2.0, "c": -1.0}, timeout=60)
    expected = run_onnx(path, {"x": np.float16([[1, 2, -1]])})["y"][0]
    assert list(answer.output["scores"].values()) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("shape", [["n", 10, 14], ["n", 140]])
def test_a_grey_image_reaches_an_input_without_a_channel_or_laid_flat(tmp_path, shape):
    path = write_onnx(summing(TensorProto.FLOAT, shape), tmp_path / "grey.onnx")
    taken = {"kind": "image", "height": 10, "width": 14, "channels": 1, "scale": "none"}
    with serve_artifact(path, input=taken, output={"kind": "value"}) as predictor:
        answer = predictor.predict(PICTURES[0].convert("L"), timeout=60)
    assert answer.value == np.asarray(PICTURES[0].convert("L"), np.float64).sum()
