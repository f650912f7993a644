"""Seven model formats, with functions that train and run a model with its own library only."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SEED = 20261121
INPUT_COUNT = 20  # test inputs per format, not used for training


@dataclass(frozen=True, slots=True)
class Format:
    """One model format.

    Args:
        artifact: name of the file or folder. Without its suffix, it is the name of the model.
        train: trains a model, saves it at a path, and returns inputs that were not used for training: PNG files or rows.
        predict: loads the artifact with its library and returns its predictions: scores (n, labels) or values (n,). Uses
            no code of mlsite.
        labels: in the order of the scores; empty for a regression.
        trusted: whether registration requires --trusted.
        toml: further content of model.toml.
    """

    artifact: str
    train: Callable[[Path], list[Any]]
    predict: Callable[[Path, list[Any]], Any]
    labels: tuple[str, ...] = ()
    trusted: bool = False
    toml: str = ""

    @property
    def name(self) -> str:
        return self.artifact.partition(".")[0]

    def __str__(self) -> str:
        return f".{self.artifact.partition('.')[2]}" if "." in self.artifact else f"{self.name}/"


def _encode_png(pixels: Any) -> bytes:
    buffer = BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def _decode_images(images: Sequence[bytes]) -> Any:
    """Return PNG files as an array (n, height, width, channels) with values from 0 to 255."""
    arrays = [np.asarray(Image.open(BytesIO(image)), np.float32) for image in images]
    return np.stack([array if array.ndim == 3 else array[..., None] for array in arrays])


def _build_matrix(rows: Sequence[dict[str, Any]]) -> Any:
    return np.array([list(row.values()) for row in rows], np.float32)


def _build_frame(rows: Sequence[dict[str, Any]]) -> Any:
    import pandas as pd

    return pd.DataFrame(list(rows))


def _load_digits() -> tuple[Any, Any]:
    """Return scikit-learn's handwritten digits, shuffled: images (1797, 8, 8) with values from 0 to 255, and labels."""
    from sklearn.datasets import load_digits

    data = load_digits()
    order = np.random.default_rng(SEED).permutation(len(data.target))
    return (data.images[order] * 255 / 16).round(), data.target[order]


def _load_table(name: str) -> tuple[Any, Any]:
    """Return a dataset of scikit-learn, shuffled: features and target."""
    from sklearn import datasets

    data = getattr(datasets, f"load_{name}")(as_frame=True).frame.sample(frac=1, random_state=SEED)
    return data.drop(columns="target"), data["target"]


def _fit_network(layers: list[Any], x: Any, y: Any, loss: Any) -> Any:
    import keras

    model = keras.Sequential([keras.Input(x.shape[1:]), *layers])
    model.compile("adam", loss)
    model.fit(x[:-INPUT_COUNT], y[:-INPUT_COUNT], epochs=2, batch_size=64, verbose=0)
    return model


def _train_keras(path: Path) -> list[bytes]:
    from keras import layers

    images, digits = _load_digits()
    tints = np.random.default_rng(SEED).random((len(images), 1, 1, 3))
    colored = (images.repeat(2, axis=1).repeat(2, axis=2)[..., None] * tints).round()
    network = [layers.Conv2D(8, 3, activation="relu"), layers.Flatten(), layers.Dense(10, activation="softmax")]
    _fit_network(network, colored / 255, digits, "sparse_categorical_crossentropy").save(path)
    return [_encode_png(image) for image in colored[-INPUT_COUNT:]]


def _predict_keras(path: Path, images: list[bytes]) -> Any:
    import keras

    return keras.saving.load_model(path).predict(_decode_images(images) / 255, verbose=0)


def _train_h5(path: Path) -> list[dict[str, float]]:
    from keras import layers

    patients, progression = _load_table("diabetes")
    network = [layers.Dense(16, activation="relu"), layers.Dense(1)]
    _fit_network(network, patients.to_numpy() * 20, progression.to_numpy() / 100, "mse").save(path)
    return [
        dict(zip([f"x{number}" for number in range(10)], row, strict=True)) for row in (patients[-INPUT_COUNT:] * 20).values
    ]


def _predict_h5(path: Path, rows: list[Any]) -> Any:
    import keras

    return keras.saving.load_model(path, compile=False).predict(_build_matrix(rows), verbose=0)[:, 0]


def _train_saved_model(path: Path) -> list[bytes]:
    from keras import layers, losses

    images, digits = _load_digits()
    network = [layers.Flatten(), layers.Dense(32, activation="relu"), layers.Dense(10)]
    loss = losses.SparseCategoricalCrossentropy(from_logits=True)
    _fit_network(network, images[..., None] / 127.5 - 1, digits, loss).export(path, verbose=False)
    return [_encode_png(image) for image in images[-INPUT_COUNT:]]


def _predict_saved_model(path: Path, images: list[bytes]) -> Any:
    import tensorflow as tf

    model = tf.saved_model.load(str(path))
    (logits,) = model.signatures["serving_default"](tf.constant(_decode_images(images) / 127.5 - 1)).values()
    return tf.nn.softmax(logits).numpy()


def _train_onnx(path: Path) -> list[dict[str, float]]:
    from skl2onnx import to_onnx
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    flowers, species = _load_table("iris")
    flowers = flowers.set_axis(["sepal_length", "sepal_width", "petal_length", "petal_width"], axis=1).astype(np.float32)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(flowers[:-INPUT_COUNT].values, species[:-INPUT_COUNT])
    path.write_bytes(to_onnx(model, flowers[:1].values).SerializeToString())
    return flowers[-INPUT_COUNT:].to_dict("records")


def _predict_onnx(path: Path, rows: list[Any]) -> Any:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    _, scores = session.run(None, {session.get_inputs()[0].name: _build_matrix(rows)})
    return [[row[number] for number in range(3)] for row in scores]


def _train_skops(path: Path) -> list[dict[str, Any]]:
    import skops.io
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    flowers, species = _load_table("iris")
    flowers = flowers.set_axis(["sepal_length", "sepal_width", "petal_length", "petals"], axis=1)
    flowers["petals"] = np.where(flowers["petals"] < 1, "narrow", "wide").astype(object)
    columns = make_column_transformer((OneHotEncoder(), ["petals"]), remainder="passthrough")
    model = make_pipeline(columns, LogisticRegression(max_iter=1000))
    skops.io.dump(model.fit(flowers[:-INPUT_COUNT], species[:-INPUT_COUNT].map(dict(enumerate(SPECIES)))), path)
    return flowers[-INPUT_COUNT:].to_dict("records")


def _predict_skops(path: Path, rows: list[Any]) -> Any:
    import skops.io

    return skops.io.load(path, trusted=skops.io.get_untrusted_types(file=path)).predict_proba(_build_frame(rows))


def _train_pickle(path: Path) -> list[dict[str, float]]:
    import pickle

    from sklearn.ensemble import HistGradientBoostingRegressor

    patients, progression = _load_table("diabetes")
    model = HistGradientBoostingRegressor(max_iter=30).fit(patients[:-INPUT_COUNT], progression[:-INPUT_COUNT])
    path.write_bytes(pickle.dumps(model))
    return patients[-INPUT_COUNT:].to_dict("records")


def _predict_pickle(path: Path, rows: list[Any]) -> Any:
    import pickle

    return pickle.loads(path.read_bytes()).predict(_build_frame(rows))


def _train_mlflow(path: Path) -> list[dict[str, float]]:
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    import mlflow.sklearn
    from mlflow.models import infer_signature
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    wines, cultivar = _load_table("wine")
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(wines[:-INPUT_COUNT], cultivar[:-INPUT_COUNT])
    signature = infer_signature(wines, model.predict_proba(wines))
    # With pip_requirements, MLflow does not start a process to detect them.
    options = {"signature": signature, "pip_requirements": ["scikit-learn"]}
    mlflow.sklearn.save_model(model, str(path), pyfunc_predict_fn="predict_proba", **options)
    return wines[-INPUT_COUNT:].to_dict("records")


def _predict_mlflow(path: Path, rows: list[Any]) -> Any:
    import mlflow.pyfunc

    return mlflow.pyfunc.load_model(str(path)).predict(_build_frame(rows))


DIGITS = tuple("0123456789")
SPECIES = ("setosa", "versicolor", "virginica")
CULTIVARS = ("first", "second", "third")
LENGTHS = ("sepal_length", "sepal_width", "petal_length", "petal_width")
LENGTH_FEATURES = "".join(f'[[input.features]]\nname = "{name}"\nunit = "cm"\n' for name in LENGTHS)
PETAL_FEATURE = '[[input.features]]\nname = "petals"\ntype = "category"\nvalues = ["narrow", "wide"]\n'
UNIT_INPUT = '[input]\nkind = "image"\nscale = "unit"\n'
SOFTMAX_OUTPUT = '[input]\nkind = "image"\nscale = "symmetric"\n[output]\nactivation = "softmax"\n'

FORMATS = (
    Format("colored-digits.keras", _train_keras, _predict_keras, DIGITS, toml=UNIT_INPUT),
    Format("progression.h5", _train_h5, _predict_h5, trusted=True),
    Format("savedmodel", _train_saved_model, _predict_saved_model, DIGITS, trusted=True, toml=SOFTMAX_OUTPUT),
    Format("lengths.onnx", _train_onnx, _predict_onnx, SPECIES, toml=LENGTH_FEATURES),
    Format("petals.skops", _train_skops, _predict_skops, SPECIES, toml=PETAL_FEATURE),
    Format("boosted.pkl", _train_pickle, _predict_pickle, trusted=True),
    Format("mlflow", _train_mlflow, _predict_mlflow, CULTIVARS, trusted=True),
)
