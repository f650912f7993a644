"""ONNX models of images, compared with onnxruntime itself."""

import numpy as np
import pytest
from onnx import TensorProto, helper
from PIL import Image

from inference.errors import InvalidSignature
from inference.preprocessing import to_array
from inference.tests.factories import get_scores, make_onnx_model, run_batch, run_onnx, serve_artifact, write_onnx

pytestmark = pytest.mark.xdist_group("onnx")
LABELS = ("cat", "dog", "eel")
RNG = np.random.default_rng(5)
KERNELS, CLASSES = (RNG.normal(size=size).astype(np.float32) for size in ((4, 3, 3, 3), (4, 3)))
IMAGES = [Image.fromarray(RNG.integers(0, 256, (10, 14, 3), np.uint8)) for _ in range(5)]


def make_network(batch="n", height=10, width=14):
    """Return a small convolutional network that takes images with channels first."""
    nodes = [
        helper.make_node("Conv", ["image", "kernels"], ["features"]),
        helper.make_node("Relu", ["features"], ["activations"]),
        helper.make_node("GlobalAveragePool", ["activations"], ["means"]),
        helper.make_node("Flatten", ["means"], ["flat"]),
        helper.make_node("MatMul", ["flat", "classes"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["scores"]),
    ]
    image = ["image", TensorProto.FLOAT, [batch, 3, height, width]]
    return make_onnx_model(nodes, [image], [["scores", TensorProto.FLOAT, [batch, 3]]], kernels=KERNELS, classes=CLASSES)


def make_sum_model(dtype, shape):
    """Return a model that returns the sum of all numbers of an image, as float32."""
    axes = np.arange(1, len(shape), dtype=np.int64)
    nodes = [
        helper.make_node("Cast", ["image"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["numbers", "axes"], ["sum"], keepdims=0),
    ]
    return make_onnx_model(nodes, [["image", dtype, shape]], [["sum", TensorProto.FLOAT, [None]]], axes=axes)


def to_channels_first(image, predictor):
    return to_array(image, predictor.spec.signature.input).transpose(2, 0, 1)


@pytest.mark.parametrize("batch", ["n", 1])
def test_image_has_the_outputs_of_onnxruntime(tmp_path, batch):
    path = write_onnx(make_network(batch), tmp_path / "n.onnx")
    with serve_artifact(path, input={"scale": "unit"}, labels=LABELS) as predictor:
        image_input = predictor.spec.signature.input
        assert (image_input.shape, image_input.layout, image_input.scale) == ((10, 14, 3), "channels-first", "unit")
        arrays = [to_channels_first(image, predictor) for image in IMAGES]
        expected = np.concatenate([run_onnx(path, {"image": array[None]})["scores"] for array in arrays])
        for image, row in zip(IMAGES, expected, strict=True):
            result = predictor.predict(image, timeout=60)
            assert get_scores(result) == pytest.approx(row, abs=1e-5)
            assert result.label == LABELS[row.argmax()]
        assert np.abs(run_batch(predictor, arrays) - expected).max() < 1e-5


def test_image_of_variable_size_has_the_declared_size(tmp_path):
    path = write_onnx(make_network(height="h", width="w"), tmp_path / "n.onnx")
    with serve_artifact(path, input={"height": 20, "width": 30, "scale": "unit"}, labels=LABELS) as predictor:
        image_input = predictor.spec.signature.input
        assert (image_input.shape, image_input.layout) == ((20, 30, 3), "channels-first")
        row = run_onnx(path, {"image": to_channels_first(IMAGES[0], predictor)[None]})["scores"][0]
        result = predictor.predict(IMAGES[0], timeout=60)
        assert get_scores(result) == pytest.approx(row, abs=1e-5)
    with (
        pytest.raises(InvalidSignature, match=r"Expected height and width in \[input\]"),
        serve_artifact(path, labels=LABELS),
    ):
        pass


@pytest.mark.parametrize("shape", [["n", 10, 14, 3], ["n", 3, 10, 14]])
def test_pixels_are_not_scaled_for_an_integer_input(tmp_path, shape):
    path = write_onnx(make_sum_model(TensorProto.UINT8, shape), tmp_path / "bytes.onnx")
    with serve_artifact(path, output={"kind": "value"}) as predictor:
        assert predictor.spec.signature.input.scale == "none"
        result = predictor.predict(IMAGES[0], timeout=60)
    assert result.value == np.asarray(IMAGES[0], np.float64).sum()
    rejected = pytest.raises(InvalidSignature, match=r"scale = \"unit\", which produces fractions, .* image uint8 \[")
    with rejected, serve_artifact(path, input={"scale": "unit"}, output={"kind": "value"}):
        pass


def test_pixels_are_scaled_for_a_float16_input(tmp_path):
    path = write_onnx(make_sum_model(TensorProto.FLOAT16, ["n", 3, 10, 14]), tmp_path / "half.onnx")
    with serve_artifact(path, input={"scale": "unit"}, output={"kind": "value"}) as predictor:
        half = to_channels_first(IMAGES[0], predictor)[None].astype(np.float16)
        assert predictor.predict(IMAGES[0], timeout=60).value == pytest.approx(run_onnx(path, {"image": half})["sum"][0])


def test_float16_scores_are_returned(tmp_path):
    nodes = [helper.make_node("Softmax", ["x"], ["y"])]
    rows = [[name, TensorProto.FLOAT16, [None, 3]] for name in "xy"]
    path = write_onnx(make_onnx_model(nodes, rows[:1], rows[1:]), tmp_path / "half.onnx")
    with serve_artifact(path, input={"features": [{"name": name} for name in "abc"]}, labels=LABELS) as predictor:
        result = predictor.predict({"a": 1.0, "b": 2.0, "c": -1.0}, timeout=60)
    expected = run_onnx(path, {"x": np.float16([[1, 2, -1]])})["y"][0]
    assert get_scores(result) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("shape", [["n", 10, 14], ["n", 140]])
def test_grayscale_image_is_passed_without_channels_or_flattened(tmp_path, shape):
    path = write_onnx(make_sum_model(TensorProto.FLOAT, shape), tmp_path / "gray.onnx")
    image_input = {"kind": "image", "height": 10, "width": 14, "channels": 1, "scale": "none"}
    with serve_artifact(path, input=image_input, output={"kind": "value"}) as predictor:
        result = predictor.predict(IMAGES[0].convert("L"), timeout=60)
    assert result.value == np.asarray(IMAGES[0].convert("L"), np.float64).sum()
