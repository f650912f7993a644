"""Keras networks of rows and sequences."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mlsite.tests.artifact_kinds.kinds import ArtifactKind, BuiltArtifact, Expected

CITIES = ["Bern", "Chur", "Genf"]
HOUSES = [
    {"city": "Bern", "rooms": 3, "size": 81.5, "garden": True, "zone": 20},
    {"city": "Genf", "rooms": 1, "size": 20.0, "garden": False, "zone": 10},
    {"city": "Basel", "rooms": 7, "size": 33.3, "garden": True, "zone": 99},
    {"city": "Chur", "rooms": 0, "size": 250.0, "garden": False, "zone": 30},
]


def make_rows(count: int, width: int, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(count, width)) * rng.uniform(0.1, 50, width) + rng.uniform(-20, 20, width)).astype(np.float32)


def name_columns(rows: np.ndarray, names: list[str] | None = None) -> list[dict[str, Any]]:
    names = names or [f"x{index}" for index in range(rows.shape[1])]
    return [dict(zip(names, row, strict=True)) for row in rows.astype(np.float64).tolist()]


def _build_normalization(folder: Path) -> BuiltArtifact:
    import keras

    keras.utils.set_random_seed(1)
    rows = make_rows(6, 3)
    layer = keras.layers.Normalization()
    layer.adapt(rows)
    model = keras.Sequential([keras.Input((3,)), layer, keras.layers.Dense(1)])
    model.save(folder / "model.keras")
    values = model.predict(rows, verbose=0).ravel()
    return BuiltArtifact(folder / "model.keras", name_columns(rows), [Expected(value=float(value)) for value in values])


def _build_lookups(folder: Path, *, oov_count: int) -> BuiltArtifact:
    """Save a network of five inputs, each prepared by another layer."""
    import keras
    import tensorflow as tf

    layers = keras.layers
    keras.utils.set_random_seed(2)
    dtypes = {"city": "string", "rooms": "int64", "size": "float32", "garden": "bool", "zone": "int64"}
    inputs = {name: keras.Input((1,), name=name, dtype=dtype) for name, dtype in dtypes.items()}
    lookup = layers.StringLookup(vocabulary=CITIES, num_oov_indices=oov_count, output_mode="one_hot")
    parts = [
        lookup(inputs["city"]),
        layers.CategoryEncoding(num_tokens=8)(inputs["rooms"]),
        layers.Discretization([25.0, 50.0, 100.0], output_mode="one_hot")(inputs["size"]),
        keras.ops.cast(inputs["garden"], "float32"),
        layers.IntegerLookup(vocabulary=[10, 20, 30], output_mode="one_hot")(inputs["zone"]),
        layers.Hashing(5, output_mode="one_hot")(inputs["city"]),
    ]
    model = keras.Model(inputs, layers.Dense(2, activation="softmax")(layers.Concatenate()(parts)))
    model.save(folder / "houses.keras")
    (folder / "labels.txt").write_text("cheap\nexpensive")
    rows = [row for row in HOUSES if oov_count or row["city"] in CITIES]
    rows = [*rows, {**rows[0], "rooms": 2}]
    columns = {name: tf.constant([[row[name]] for row in rows], dtype) for name, dtype in dtypes.items()}
    expected = [
        Expected(("cheap", "expensive")[row.argmax()], {"cheap": float(row[0]), "expensive": float(row[1])})
        for row in model(columns).numpy()
    ]
    return BuiltArtifact(folder / "houses.keras", rows, expected, {"labels": folder / "labels.txt"})


def _build_sequence(folder: Path, *, shape: tuple[int, int], input_table: str = "") -> BuiltArtifact:
    import keras

    keras.utils.set_random_seed(3)
    last = keras.layers.LSTM(3) if shape[0] <= 100 else keras.layers.GlobalMaxPooling1D()
    model = keras.Sequential([keras.Input(shape), keras.layers.Conv1D(3, 4, strides=2), last, keras.layers.Dense(1)])
    model.save(folder / "sequence.keras")
    rows = np.random.default_rng(2).normal(size=(4, *shape)).astype(np.float32)
    expected = [Expected(value=float(value)) for value in model.predict(rows, verbose=0).ravel()]
    if input_table:
        (folder / "model.toml").write_text(f'name = "kind"\nartifact = "sequence.keras"\n{input_table}')
    path = folder if input_table else folder / "sequence.keras"
    return BuiltArtifact(path, name_columns(rows.reshape(4, -1)), expected)


def _build_scaler(folder: Path, *, save_network: Callable[[Any, Path], str], trusted: bool = False) -> BuiltArtifact:
    """Save a column transformer and a network."""
    import joblib
    import keras
    import pandas as pd
    import skops.io
    from sklearn.compose import ColumnTransformer
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    keras.utils.set_random_seed(4)
    frame = pd.DataFrame({"age": [20.0, 35.5, 61.0, 47.0], "city": ["b", "a", "b", "c"], "income": [1e4, 9e4, 5e4, 2e5]})
    encoder = OneHotEncoder(sparse_output=True)
    scaler = ColumnTransformer([("numbers", StandardScaler(), ["income", "age"]), ("texts", encoder, ["city"])]).fit(frame)
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(1)])
    network = save_network(model, folder)
    scaler_name = "scaler.joblib" if trusted else "scaler.skops"
    joblib.dump(scaler, folder / scaler_name) if trusted else skops.io.dump(scaler, folder / scaler_name)
    manifest = f"name = 'kind'\nartifact = {json.dumps(network)}\n[preprocess]\nartifact = {json.dumps(scaler_name)}\n"
    (folder / "model.toml").write_text(manifest)
    transformed = scaler.transform(frame)
    rows = transformed.toarray() if hasattr(transformed, "toarray") else transformed
    values = model.predict(rows, verbose=0).ravel()
    expected = [Expected(value=float(value)) for value in values]
    return BuiltArtifact(folder, frame.to_dict("records"), expected, {"trusted": trusted})


def _save_archive(model: Any, folder: Path) -> str:
    model.save(folder / "network.keras")
    return "network.keras"


def _save_onnx(model: Any, folder: Path) -> str:
    from onnx import TensorProto, helper, numpy_helper, save

    kernel, bias = (weight.numpy() for weight in model.weights)
    infos = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", size]) for name, size in (("x", 5), ("y", 1))]
    weights = [numpy_helper.from_array(kernel, "kernel"), numpy_helper.from_array(bias, "bias")]
    graph = helper.make_graph([helper.make_node("Gemm", ["x", "kernel", "bias"], ["y"])], "g", infos[:1], infos[1:], weights)
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), folder / "network.onnx")
    return "network.onnx"


def _build_single_rows(folder: Path) -> BuiltArtifact:
    """Save a network whose batch size is 1, because it reshapes its input to one row."""
    import keras

    keras.utils.set_random_seed(5)
    row = keras.Input(batch_shape=(1, 4))
    hidden = keras.ops.reshape(keras.layers.Dense(6, activation="tanh")(row), (1, 6))
    model = keras.Model(row, keras.layers.Dense(1)(hidden))
    model.save(folder / "single.keras")
    rows = make_rows(5, 4)
    expected = [Expected(value=float(model(row[None]).numpy().item())) for row in rows]
    return BuiltArtifact(folder / "single.keras", name_columns(rows), expected)


TABULAR = '[input]\nkind = "tabular"\n'
KINDS = (
    ArtifactKind("Keras, Normalization of columns", "columns", "", _build_normalization),
    ArtifactKind("Keras, five inputs and lookups", "columns, types", "", partial(_build_lookups, oov_count=1)),
    ArtifactKind("Keras, lookup without other values", "values of city", "", partial(_build_lookups, oov_count=0)),
    ArtifactKind("Keras, sequence of 100 numbers", "x0 to x99", "", partial(_build_sequence, shape=(100, 1))),
    ArtifactKind("Keras, 20 steps of 3", "x0 to x59", "kind", partial(_build_sequence, shape=(20, 3), input_table=TABULAR)),
    ArtifactKind("Keras, 6,000 numbers", "x0 to x5999", "", partial(_build_sequence, shape=(6000, 1))),
    ArtifactKind(
        "Keras and scaler", "columns of the scaler", "preprocess", partial(_build_scaler, save_network=_save_archive)
    ),
    ArtifactKind(
        "Keras and pickled scaler",
        "columns of the scaler",
        "preprocess, trusted",
        partial(_build_scaler, save_network=_save_archive, trusted=True),
    ),
    ArtifactKind(
        "ONNX and scaler", "columns of the scaler", "preprocess", partial(_build_scaler, save_network=_save_onnx), ("onnx",)
    ),
    ArtifactKind("Keras, batch size of 1", "single rows", "", _build_single_rows),
)
