"""Seven formats of models, each made by its own library."""

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
INPUTS = 20  # of each format; no model is trained on them


@dataclass(frozen=True, slots=True)
class Format:
    """One way to save a model.

    Args:
        artifact: the file or folder; without its ending it is the model's name.
        make: trains a model, saves it there and returns inputs that it was not trained on: PNG files or rows by name.
        own: returns what the library itself answers to them, with the artifact loaded anew: scores `(n, labels)` or values
            `(n,)`. None of our code takes part.
        labels: in the order of the scores; none for a regression.
        trusted: does it need --trusted?
        toml: what else its model.toml has to say.
    """

    artifact: str
    make: Callable[[Path], list[Any]]
    own: Callable[[Path, list[Any]], Any]
    labels: tuple[str, ...] = ()
    trusted: bool = False
    toml: str = ""

    @property
    def name(self) -> str:
        return self.artifact.partition(".")[0]

    def __str__(self) -> str:
        return f".{self.artifact.partition('.')[2]}" if "." in self.artifact else f"{self.name}/"


def _png(pixels: Any) -> bytes:
    out = BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(out, "PNG")
    return out.getvalue()


def _pixels(pictures: Sequence[bytes]) -> Any:
    """Return PNG files as one array (n, height, width, channels) of 0 to 255."""
    arrays = [np.asarray(Image.open(BytesIO(picture)), np.float32) for picture in pictures]
    return np.stack([array if array.ndim == 3 else array[..., None] for array in arrays])


def _matrix(rows: Sequence[dict[str, Any]]) -> Any:
    return np.array([list(row.values()) for row in rows], np.float32)


def _frame(rows: Sequence[dict[str, Any]]) -> Any:
    import pandas as pd

    return pd.DataFrame(list(rows))


def _digits() -> tuple[Any, Any]:
    """Return the small handwritten digits of scikit-learn, (1797, 8, 8) of 0 to 255, shuffled, and which they are."""
    from sklearn.datasets import load_digits

    data = load_digits()
    order = np.random.default_rng(SEED).permutation(len(data.target))
    return (data.images[order] * 255 / 16).round(), data.target[order]


def _table(name: str) -> tuple[Any, Any]:
    """Return one of the tables of scikit-learn, shuffled, and its target."""
    from sklearn import datasets

    data = getattr(datasets, f"load_{name}")(as_frame=True).frame.sample(frac=1, random_state=SEED)
    return data.drop(columns="target"), data["target"]


def _fit_network(layers: list[Any], x: Any, y: Any, loss: Any) -> Any:
    import keras

    model = keras.Sequential([keras.Input(x.shape[1:]), *layers])
    model.compile("adam", loss)
    model.fit(x[:-INPUTS], y[:-INPUTS], epochs=2, batch_size=64, verbose=0)
    return model


def _make_keras(path: Path) -> list[bytes]:
    from keras import layers

    images, digits = _digits()
    tints = np.random.default_rng(SEED).random((len(images), 1, 1, 3))
    coloured = (images.repeat(2, axis=1).repeat(2, axis=2)[..., None] * tints).round()
    network = [layers.Conv2D(8, 3, activation="relu"), layers.Flatten(), layers.Dense(10, activation="softmax")]
    _fit_network(network, coloured / 255, digits, "sparse_categorical_crossentropy").save(path)
    return [_png(image) for image in coloured[-INPUTS:]]


def _ask_keras(path: Path, pictures: list[bytes]) -> Any:
    import keras

    return keras.saving.load_model(path).predict(_pixels(pictures) / 255, verbose=0)


def _make_h5(path: Path) -> list[dict[str, float]]:
    from keras import layers

    patients, progression = _table("diabetes")
    network = [layers.Dense(16, activation="relu"), layers.Dense(1)]
    _fit_network(network, patients.to_numpy() * 20, progression.to_numpy() / 100, "mse").save(path)
    return [dict(zip([f"x{number}" for number in range(10)], row, strict=True)) for row in (patients[-INPUTS:] * 20).values]


def _ask_h5(path: Path, rows: list[Any]) -> Any:
    import keras

    return keras.saving.load_model(path, compile=False).predict(_matrix(rows), verbose=0)[:, 0]


def _make_saved_model(path: Path) -> list[bytes]:
    from keras import layers, losses

    images, digits = _digits()
    network = [layers.Flatten(), layers.Dense(32, activation="relu"), layers.Dense(10)]
    loss = losses.SparseCategoricalCrossentropy(from_logits=True)
    _fit_network(network, images[..., None] / 127.5 - 1, digits, loss).export(path, verbose=False)
    return [_png(image) for image in images[-INPUTS:]]


def _ask_saved_model(path: Path, pictures: list[bytes]) -> Any:
    import tensorflow as tf

    model = tf.saved_model.load(str(path))
    (logits,) = model.signatures["serving_default"](tf.constant(_pixels(pictures) / 127.5 - 1)).values()
    return tf.nn.softmax(logits).numpy()


def _make_onnx(path: Path) -> list[dict[str, float]]:
    from skl2onnx import to_onnx
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    flowers, species = _table("iris")
    flowers = flowers.set_axis(["sepal_length", "sepal_width", "petal_length", "petal_width"], axis=1).astype(np.float32)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(flowers[:-INPUTS].values, species[:-INPUTS])
    path.write_bytes(to_onnx(model, flowers[:1].values).SerializeToString())
    return flowers[-INPUTS:].to_dict("records")


def _ask_onnx(path: Path, rows: list[Any]) -> Any:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    _, scores = session.run(None, {session.get_inputs()[0].name: _matrix(rows)})
    return [[row[number] for number in range(3)] for row in scores]


def _make_skops(path: Path) -> list[dict[str, Any]]:
    import skops.io
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    flowers, species = _table("iris")
    flowers = flowers.set_axis(["sepal_length", "sepal_width", "petal_length", "petals"], axis=1)
    flowers["petals"] = np.where(flowers["petals"] < 1, "narrow", "wide").astype(object)
    columns = make_column_transformer((OneHotEncoder(), ["petals"]), remainder="passthrough")
    model = make_pipeline(columns, LogisticRegression(max_iter=1000))
    skops.io.dump(model.fit(flowers[:-INPUTS], species[:-INPUTS].map(dict(enumerate(SPECIES)))), path)
    return flowers[-INPUTS:].to_dict("records")


def _ask_skops(path: Path, rows: list[Any]) -> Any:
    import skops.io

    return skops.io.load(path, trusted=skops.io.get_untrusted_types(file=path)).predict_proba(_frame(rows))


def _make_pickle(path: Path) -> list[dict[str, float]]:
    import pickle

    from sklearn.ensemble import HistGradientBoostingRegressor

    patients, progression = _table("diabetes")
    model = HistGradientBoostingRegressor(max_iter=30).fit(patients[:-INPUTS], progression[:-INPUTS])
    path.write_bytes(pickle.dumps(model))
    return patients[-INPUTS:].to_dict("records")


def _ask_pickle(path: Path, rows: list[Any]) -> Any:
    import pickle

    return pickle.loads(path.read_bytes()).predict(_frame(rows))


def _make_mlflow(path: Path) -> list[dict[str, float]]:
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    import mlflow.sklearn
    from mlflow.models import infer_signature
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    wines, cultivar = _table("wine")
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(wines[:-INPUTS], cultivar[:-INPUTS])
    signature = infer_signature(wines, model.predict_proba(wines))
    # Told what it requires, MLflow does not start a process to find out.
    told = {"signature": signature, "pip_requirements": ["scikit-learn"]}
    mlflow.sklearn.save_model(model, str(path), pyfunc_predict_fn="predict_proba", **told)
    return wines[-INPUTS:].to_dict("records")


def _ask_mlflow(path: Path, rows: list[Any]) -> Any:
    import mlflow.pyfunc

    return mlflow.pyfunc.load_model(str(path)).predict(_frame(rows))


DIGITS = tuple("0123456789")
SPECIES = ("setosa", "versicolor", "virginica")
CULTIVARS = ("first", "second", "third")
LENGTHS = "".join(
    f'[[input.features]]\nname = "{name}"\nunit = "cm"\n'
    for name in ("sepal_length", "sepal_width", "petal_length", "petal_width")
)
PETALS = '[[input.features]]\nname = "petals"\ntype = "category"\nvalues = ["narrow", "wide"]\n'
LOGITS = '[input]\nkind = "image"\nscale = "symmetric"\n[output]\nactivation = "softmax"\n'

MLFLOW = Format("mlflow", _make_mlflow, _ask_mlflow, CULTIVARS, trusted=True)
FORMATS = (
    Format("coloured-digits.keras", _make_keras, _ask_keras, DIGITS),
    Format("progression.h5", _make_h5, _ask_h5, trusted=True),
    Format("savedmodel", _make_saved_model, _ask_saved_model, DIGITS, trusted=True, toml=LOGITS),
    Format("lengths.onnx", _make_onnx, _ask_onnx, SPECIES, toml=LENGTHS),
    Format("petals.skops", _make_skops, _ask_skops, SPECIES, toml=PETALS),
    Format("boosted.pkl", _make_pickle, _ask_pickle, trusted=True),
    MLFLOW,
)
