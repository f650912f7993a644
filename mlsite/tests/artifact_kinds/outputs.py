"""Outputs of networks and classifiers: one number, logits, independent labels, thresholds, and own class names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mlsite.tests.artifact_kinds.kinds import ArtifactKind, BuiltArtifact, Expected

FEATURES = ("a", "b", "c")
SIDE = 8  # pixels


def _make_numbers(seed: int, count: int = 8) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, len(FEATURES))).astype(np.float32)


def _make_rows(numbers: np.ndarray) -> list[dict[str, float]]:
    return [dict(zip(FEATURES, row, strict=True)) for row in numbers.tolist()]


def _write_manifest(folder: Path, *, artifact: str, labels: Sequence[str], output: str, features: bool = True) -> Path:
    listed = "".join(f'[[input.features]]\nname = "{name}"\n' for name in FEATURES) if features else ""
    text = f'artifact = "{artifact}"\nlabels = {list(labels)}\n{listed}[output]\n{output}\n'
    (folder / "model.toml").write_text(text)
    return folder


def _save_network(folder: Path, seed: int, units: int, activation: str | None, gain: float = 3.0) -> Callable[[Any], Any]:
    """Save a network of one layer with random weights. Return its `predict`."""
    import keras

    keras.utils.set_random_seed(seed)
    start = keras.initializers.RandomNormal(stddev=gain)
    layers = [keras.Input((len(FEATURES),)), keras.layers.Dense(units, activation=activation, kernel_initializer=start)]
    network = keras.Sequential(layers)
    network.save(folder / "net.keras")
    return lambda numbers: network.predict(numbers, verbose=0)


def _build_binary_sigmoid(folder: Path) -> BuiltArtifact:
    predict, numbers = _save_network(folder, 1, 1, "sigmoid", gain=0.8), _make_numbers(0, 12)
    expected = [
        Expected(label="yes" if score >= 0.3 else "no", scores={"no": 1 - score, "yes": score})
        for score in predict(numbers)[:, 0].tolist()
    ]
    assert any(0.3 <= case.scores["yes"] < 0.5 for case in expected if case.scores)
    path = _write_manifest(folder, artifact="net.keras", labels=["no", "yes"], output="threshold = 0.3")
    return BuiltArtifact(path, _make_rows(numbers), expected)


def _build_binary_logits(folder: Path) -> BuiltArtifact:
    import keras

    predict, numbers = _save_network(folder, 2, 1, None, gain=200), _make_numbers(1)  # sigmoid saturates at both ends
    logits = predict(numbers)[:, 0]
    expected = [
        Expected(label="yes" if logit > 0 else "no", scores={"no": 1 - score, "yes": score})
        for logit, score in zip(logits, keras.ops.sigmoid(logits).numpy().tolist(), strict=True)
    ]
    (folder / "labels.txt").write_text("no\nyes\n")
    return BuiltArtifact(folder / "net.keras", _make_rows_by_index(numbers), expected, {"labels": folder / "labels.txt"})


def _make_rows_by_index(numbers: np.ndarray) -> list[dict[str, float]]:
    return [{f"x{index}": value for index, value in enumerate(row)} for row in numbers.tolist()]


def _build_softmax(folder: Path) -> BuiltArtifact:
    predict, numbers = _save_network(folder, 3, 3, "softmax"), _make_numbers(2)
    return _expect_classes(folder, numbers, predict(numbers))


def _build_linear_logits(folder: Path) -> BuiltArtifact:
    import keras

    predict, numbers = _save_network(folder, 4, 3, None), _make_numbers(3)
    return _expect_classes(folder, numbers, keras.ops.softmax(predict(numbers)).numpy())


def _expect_classes(folder: Path, numbers: np.ndarray, scores: np.ndarray) -> BuiltArtifact:
    names = ("sun", "rain", "snow")
    (folder / "labels.txt").write_text("\n".join(names))
    expected = [
        Expected(label=names[row.argmax()], scores=dict(zip(names, row.tolist(), strict=True))) for row in np.array(scores)
    ]
    return BuiltArtifact(folder / "net.keras", _make_rows_by_index(numbers), expected, {"labels": folder / "labels.txt"})


def _build_independent_sigmoids(folder: Path) -> BuiltArtifact:
    predict, numbers = _save_network(folder, 5, 3, "sigmoid"), _make_numbers(4)
    path = _write_manifest(folder, artifact="net.keras", labels=["sun", "rain", "snow"], output='kind = "classes"')
    built = _expect_classes(folder, numbers, predict(numbers))
    return BuiltArtifact(path, _make_rows(numbers), built.expected)


def _build_softmax_threshold(folder: Path) -> BuiltArtifact:
    predict, numbers = _save_network(folder, 6, 2, "softmax", gain=0.6), _make_numbers(5, 12)
    expected = [
        Expected(label="bad" if bad >= 0.25 else "good", scores={"good": good, "bad": bad})
        for good, bad in predict(numbers).tolist()
    ]
    assert any(0.25 <= case.scores["bad"] < 0.5 for case in expected if case.scores)
    path = _write_manifest(folder, artifact="net.keras", labels=["good", "bad"], output="threshold = 0.25")
    return BuiltArtifact(path, _make_rows(numbers), expected)


def _build_multi_label_image(folder: Path) -> BuiltArtifact:
    import keras

    keras.utils.set_random_seed(7)
    start = keras.initializers.RandomNormal(stddev=0.5)
    layers = [
        keras.Input((SIDE, SIDE, 3)),
        keras.layers.Rescaling(1 / 255),
        keras.layers.Flatten(),
        keras.layers.Dense(4, activation="sigmoid", kernel_initializer=start),
    ]
    network = keras.Sequential(layers)
    network.save(folder / "tags.keras")
    names = ("sky", "sea", "sand", "snow")
    (folder / "labels.txt").write_text("\n".join(names))
    images = np.random.default_rng(6).integers(0, 256, (6, SIDE, SIDE, 3), dtype=np.uint8)
    scores = network.predict(images.astype(np.float32), verbose=0)
    expected = [_expect_labels(names, row, [0.5] * 4) for row in scores]
    return BuiltArtifact(folder / "tags.keras", [_encode(image) for image in images], expected, {
        "labels": folder / "labels.txt"
    })  # fmt: skip


def _expect_labels(names: Sequence[str], scores: np.ndarray, thresholds: Sequence[float]) -> Expected:
    chosen = [name for name, score, limit in zip(names, scores, thresholds, strict=True) if score >= limit]
    return Expected(label="", labels=chosen, scores=dict(zip(names, scores.tolist(), strict=True)))


def _encode(image: np.ndarray) -> bytes:
    out = BytesIO()
    Image.fromarray(image).save(out, "PNG")
    return out.getvalue()


def _build_multi_label_table(folder: Path) -> BuiltArtifact:
    predict, numbers = _save_network(folder, 8, 3, None, gain=1.5), _make_numbers(7)
    names, thresholds = ("hot", "dry", "windy"), [0.2, 0.5, 0.9]
    path = _write_manifest(
        folder,
        artifact="net.keras",
        labels=names,
        output=f'kind = "labels"\nactivation = "sigmoid"\nthresholds = {thresholds}',
    )
    scores = 1 / (1 + np.exp(-predict(numbers).astype(np.float64)))
    return BuiltArtifact(path, _make_rows(numbers), [_expect_labels(names, row, thresholds) for row in scores])


def _build_onnx_logits(folder: Path) -> BuiltArtifact:
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    weights = np.random.default_rng(8).normal(size=(3, 3)).astype(np.float32) * 3
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3])],
        [numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    (folder / "net.onnx").write_bytes(model.SerializeToString())
    numbers, names = _make_numbers(9), ("sun", "rain", "snow")
    session = onnxruntime.InferenceSession(str(folder / "net.onnx"), providers=["CPUExecutionProvider"])
    powers = np.exp(session.run(None, {"x": numbers})[0].astype(np.float64))
    scores = powers / powers.sum(axis=1, keepdims=True)
    expected = [Expected(label=names[row.argmax()], scores=dict(zip(names, row.tolist(), strict=True))) for row in scores]
    path = _write_manifest(folder, artifact="net.onnx", labels=names, output='activation = "softmax"')
    return BuiltArtifact(path, _make_rows(numbers), expected)


def _build_own_classes(folder: Path) -> BuiltArtifact:
    """Build an ONNX classifier that returns only the numbers 3, 5, and 8, which have other names here."""
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    constants = {"w": np.eye(3, dtype=np.float32), "own": np.array([3, 5, 8], np.int64)}
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["scores"]),
        helper.make_node("ArgMax", ["scores"], ["index"], axis=1, keepdims=0),
        helper.make_node("Gather", ["own", "index"], ["label"]),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3])],
        [helper.make_tensor_value_info("label", TensorProto.INT64, ["n"])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    (folder / "net.onnx").write_bytes(model.SerializeToString())
    session = onnxruntime.InferenceSession(str(folder / "net.onnx"), providers=["CPUExecutionProvider"])
    numbers, names = _make_numbers(10), {3: "three", 5: "five", 8: "eight"}
    expected = [Expected(label=names[int(number)]) for number in session.run(None, {"x": numbers})[0]]
    path = _write_manifest(folder, artifact="net.onnx", labels=["eight", "three", "five"], output="classes = [8, 3, 5]")
    return BuiltArtifact(path, _make_rows(numbers), expected)


KINDS = (
    ArtifactKind("Keras, one sigmoid", "sigmoid of the second label", "two labels, threshold", _build_binary_sigmoid),
    ArtifactKind("Keras, one logit", "activation sigmoid, from the linear layer", "two labels", _build_binary_logits),
    ArtifactKind("Keras, softmax", "activation none, from the last layer", "labels", _build_softmax),
    ArtifactKind("Keras, logits", "activation softmax, from the linear layer", "labels", _build_linear_logits),
    ArtifactKind("Keras, sigmoids for one label", "independent scores", "labels, kind classes", _build_independent_sigmoids),
    ArtifactKind("Keras, two scores with threshold", "", "labels, threshold", _build_softmax_threshold),
    ArtifactKind("Keras, multi-label image", "kind labels, from the sigmoids", "labels", _build_multi_label_image),
    ArtifactKind("Keras, multi-label table", "", "kind labels, thresholds", _build_multi_label_table),
    ArtifactKind("ONNX, logits", "", "labels, activation", _build_onnx_logits),
    ArtifactKind("ONNX, labels with own numbers", "", "labels, classes", _build_own_classes),
)
