"""Artifacts that return other results in a batch, or fail on one, although they accept it."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from mlsite.tests.artifact_kinds.kinds import ArtifactKind, BuiltArtifact, Expected

COLUMNS = ("a", "b", "c")
ONE_BY_ONE = "one by one, because the results of a batch differ"


def _make_rows(count: int = 12) -> np.ndarray:
    return np.random.default_rng(7).normal(0, 2, (count, len(COLUMNS))).astype(np.float32)


def _name_rows(rows: np.ndarray) -> list[dict[str, float]]:
    return [dict(zip(COLUMNS, map(float, row), strict=True)) for row in rows]


def _expect_scores(rows: np.ndarray) -> list[Expected]:
    return [Expected(str(row.argmax()), dict(zip(map(str, range(len(row))), map(float, row), strict=True))) for row in rows]


def _write_manifest(folder: Path, artifact: str, labels: int = 0) -> None:
    names = "".join(f'[[input.features]]\nname = "{name}"\n' for name in COLUMNS)
    head = f"labels = {[str(index) for index in range(labels)]}\n" if labels else ""
    output = "" if labels else '[output]\nkind = "value"\n'
    (folder / "model.toml").write_text(f'artifact = "{artifact}"\n{head}{output}[input]\nkind = "tabular"\n{names}')


def _run_onnx_rows(path: Path, rows: np.ndarray) -> np.ndarray:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(None, {"x": row[None]})[0] for row in rows])


def _save_onnx(path: Path, nodes: list, weights: dict[str, np.ndarray], classes: int) -> None:
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", len(COLUMNS)])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", classes])],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, path)


def _build_reshape(folder: Path) -> BuiltArtifact:
    """A reshape to one row behind a dynamic axis: two rows fail."""
    from onnx import helper

    nodes = [
        helper.make_node("Reshape", ["x", "shape"], ["row"]),
        helper.make_node("MatMul", ["row", "weights"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["scores"], axis=-1),
    ]
    generator = np.random.default_rng(1)
    weights = {"shape": np.array([1, 3], np.int64), "weights": generator.normal(size=(3, 4)).astype(np.float32)}
    _save_onnx(folder / "reshape.onnx", nodes, weights, 4)
    _write_manifest(folder, "reshape.onnx", labels=4)
    rows = _make_rows()
    return BuiltArtifact(folder, _name_rows(rows), _expect_scores(_run_onnx_rows(folder / "reshape.onnx", rows)))


def _build_batch_softmax(folder: Path) -> BuiltArtifact:
    """Scores that are scaled by the largest absolute value of the whole batch, as dynamic quantization does."""
    from onnx import helper

    nodes = [
        helper.make_node("Abs", ["x"], ["sizes"]),
        helper.make_node("ReduceMax", ["sizes"], ["largest"], keepdims=0),
        helper.make_node("Div", ["x", "largest"], ["scaled"]),
        helper.make_node("MatMul", ["scaled", "weights"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["scores"], axis=-1),
    ]
    weights = {"weights": np.random.default_rng(2).normal(0, 3, (3, 4)).astype(np.float32)}
    _save_onnx(folder / "scaled.onnx", nodes, weights, 4)
    _write_manifest(folder, "scaled.onnx", labels=4)
    rows = _make_rows()
    return BuiltArtifact(folder, _name_rows(rows), _expect_scores(_run_onnx_rows(folder / "scaled.onnx", rows)))


def _build_first_row(folder: Path) -> BuiltArtifact:
    """A pyfunc that reads the first row only, and returns one number for any number of rows."""
    import mlflow.pyfunc
    import pandas as pd
    from mlflow.models import infer_signature

    class FirstRow(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input, params=None):
            first = model_input.iloc[0]
            return np.array([first["a"] * 2 + first["b"] - first["c"]])

    rows = _make_rows().astype(np.float64)
    frame = pd.DataFrame(rows, columns=COLUMNS)
    model = FirstRow()
    signature = infer_signature(frame, model.predict(None, frame))
    mlflow.pyfunc.save_model(str(folder / "first"), python_model=model, signature=signature, pip_requirements=[])
    loaded = mlflow.pyfunc.load_model(str(folder / "first"))
    values = [float(loaded.predict(frame.iloc[index : index + 1])[0]) for index in range(len(frame))]
    return BuiltArtifact(folder / "first", _name_rows(rows), [Expected(value=value) for value in values], {"trusted": True})


def _build_batch_mean(folder: Path) -> BuiltArtifact:
    """A Keras network that subtracts a quarter of the batch mean from its logits."""
    import keras
    from keras import ops

    inputs = keras.Input((len(COLUMNS),), name="x")
    logits = keras.layers.Dense(4, kernel_initializer=keras.initializers.RandomNormal(seed=3, stddev=1.0))(inputs)
    shifted = logits - ops.mean(logits, axis=0, keepdims=True) * 0.25
    network = keras.Model(inputs, keras.layers.Softmax()(shifted))
    network.save(folder / "mean.keras")
    _write_manifest(folder, "mean.keras", labels=4)
    rows = _make_rows()
    scores = np.concatenate([np.asarray(network(row[None])) for row in rows])
    return BuiltArtifact(folder, _name_rows(rows), _expect_scores(scores))


def _build_image_contrast(folder: Path) -> BuiltArtifact:
    """A Keras network for images that divides by the largest pixel of the batch."""
    import keras
    from keras import ops

    inputs = keras.Input((8, 8, 1), name="image")
    scaled = inputs / (ops.max(inputs) + 1.0)
    flat = keras.layers.Flatten()(scaled)
    dense = keras.layers.Dense(3, activation="softmax", kernel_initializer=keras.initializers.RandomNormal(seed=5))
    network = keras.Model(inputs, dense(flat))
    network.save(folder / "contrast.keras")
    (folder / "model.toml").write_text(
        'artifact = "contrast.keras"\nlabels = ["0", "1", "2"]\n[input]\nkind = "image"\nscale = "none"\n'
    )
    generator = np.random.default_rng(4)
    images = [generator.integers(0, high, (8, 8)).astype(np.uint8) for high in (40, 80, 120, 160, 200, 250)]
    batches = [image.astype(np.float32)[None, :, :, None] for image in images]
    scores = np.concatenate([np.asarray(network(batch)) for batch in batches])
    return BuiltArtifact(folder, list(map(_encode_image, images)), _expect_scores(scores))


def _encode_image(pixels: np.ndarray) -> bytes:
    out = BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


KINDS = (
    ArtifactKind("ONNX with a reshape fixed to one row", ONE_BY_ONE, "feature names", _build_reshape, ("onnx",)),
    ArtifactKind("ONNX scaled by the batch maximum", ONE_BY_ONE, "feature names", _build_batch_softmax, ("onnx",)),
    ArtifactKind("MLflow pyfunc that reads the first row", ONE_BY_ONE, "trusted", _build_first_row, ("mlflow",)),
    ArtifactKind("Keras network with the batch mean", ONE_BY_ONE, "feature names", _build_batch_mean, ("keras",)),
    ArtifactKind("Keras images divided by the batch maximum", ONE_BY_ONE, "scale none", _build_image_contrast, ("keras",)),
)
