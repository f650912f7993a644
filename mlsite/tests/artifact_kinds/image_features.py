"""Models that take an image and features."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mlsite.tests.artifact_kinds.kinds import ArtifactKind, BuiltArtifact
from mlsite.tests.artifact_kinds.texts import expect_scores


def _make_pairs() -> tuple[list[tuple[bytes, dict[str, Any]]], np.ndarray, np.ndarray]:
    """Return pairs of an image file and a row, the pixels, and the rows as an array."""
    rng = np.random.default_rng(5)
    pixels = rng.integers(0, 256, (6, 8, 8, 3), dtype=np.uint8)
    rows = np.float32([[1.5, -2], [30, 4], [1.5, 4], [-7, 0.25], [30, -2], [0, 0]])
    pairs = []
    for image, (age, weight) in zip(pixels, rows.tolist(), strict=True):
        file = BytesIO()
        Image.fromarray(image).save(file, "PNG")
        pairs.append((file.getvalue(), {"age": age, "weight": weight}))
    return pairs, pixels, rows


def _build_keras_mixed(folder: Path) -> BuiltArtifact:
    import keras

    keras.utils.set_random_seed(4)
    pairs, pixels, rows = _make_pairs()
    age, photo, weight = (
        keras.Input((1,), name="age"),
        keras.Input((8, 8, 3), name="photo"),
        keras.Input((1,), name="weight"),
    )
    features = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(photo))
    joined = keras.layers.Concatenate()([age, features, weight])
    network = keras.Model([age, photo, weight], keras.layers.Dense(3, activation="softmax")(joined))
    network.save(folder / "mixed.keras")
    (folder / "model.toml").write_text(
        'name = "kind"\nartifact = "mixed.keras"\nlabels = ["a", "b", "c"]\n[input]\nkind = "image-tabular"\n'
        'scale = "none"\n[[input.features]]\nname = "weight"\n[[input.features]]\nname = "age"\n'
    )
    arrays = {"age": rows[:, :1], "photo": np.float32(pixels), "weight": rows[:, 1:]}
    return BuiltArtifact(folder, pairs, expect_scores(network.predict(arrays, verbose=0), ["a", "b", "c"]))


def _build_onnx_mixed(folder: Path) -> BuiltArtifact:
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper

    pairs, pixels, rows = _make_pairs()
    rng = np.random.default_rng(6)
    weights = {
        "image_weights": rng.normal(0, 0.1, (192, 2)).astype(np.float32),
        "row_weights": rng.normal(0, 0.1, (2, 2)).astype(np.float32),
    }
    nodes = [
        helper.make_node("Flatten", ["photo"], ["flat"]),
        helper.make_node("MatMul", ["flat", "image_weights"], ["a"]),
        helper.make_node("MatMul", ["row", "row_weights"], ["b"]),
        helper.make_node("Add", ["a", "b"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["scores"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "mixed",
        [
            helper.make_tensor_value_info("photo", TensorProto.FLOAT, ["n", 3, 8, 8]),
            helper.make_tensor_value_info("row", TensorProto.FLOAT, ["n", 2]),
        ],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 2])],
        [onnx.numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, folder / "mixed.onnx")
    (folder / "model.toml").write_text(
        'name = "kind"\nartifact = "mixed.onnx"\nlabels = ["bad", "good"]\n[input]\nscale = "unit"\n'
        '[[input.features]]\nname = "age"\n[[input.features]]\nname = "weight"\n'
    )
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    photos = np.ascontiguousarray(np.float32(pixels).transpose(0, 3, 1, 2) / 255)
    return BuiltArtifact(folder, pairs, expect_scores(session.run(None, {"photo": photos, "row": rows})[0]))


KINDS = (
    ArtifactKind("Keras image and columns", "image and features, by name", "labels, scale", _build_keras_mixed),
    ArtifactKind("ONNX image and row", "image and features, from the shapes", "labels, names", _build_onnx_mixed),
)
