"""Malicious artifacts that run code, read other files or unpack to gigabytes. None is loaded without trust."""

import json
import pickle
import zipfile

import numpy as np
import pytest
import skops.io
from sklearn.datasets import load_iris
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, make_pipeline

from inference.errors import InvalidArtifact
from inference.runtimes import load_artifact

pytestmark = pytest.mark.xdist_group("sklearn")


class Malicious:
    def __init__(self, canary):
        self.canary = canary

    def __reduce__(self):
        return (open, (str(self.canary), "w"))


@pytest.mark.parametrize("runtime", ["sklearn", "keras", "onnx", "tensorflow", "mlflow"])
@pytest.mark.parametrize("suffix", [".bin", "", ".skops.old", ".keras2"])
def test_unknown_suffixes_require_trust(tmp_path, runtime, suffix):
    path, canary = tmp_path / f"model{suffix}", tmp_path / "canary"
    path.write_bytes(pickle.dumps(Malicious(canary)))
    with pytest.raises(InvalidArtifact, match="can run its author's code"):
        load_artifact(runtime, path)
    assert not canary.exists()


@pytest.mark.parametrize("runtime", ["sklearn", "keras", "onnx", "tensorflow", "mlflow", "dummy"])
@pytest.mark.parametrize("name", ["net", "net.keras", "net.onnx", "net.skops"])
def test_folders_require_trust(tmp_path, runtime, name):
    folder = tmp_path / name
    folder.mkdir()
    for member in ("config.json", "metadata.json", "saved_model.pbtxt", "saved_model.pb", "MLmodel"):
        (folder / member).write_text("{}")
    with pytest.raises(InvalidArtifact, match="can run its author's code"):
        load_artifact(runtime, folder)


def make_vectorizer(**options):
    words = CountVectorizer().fit(["good", "bad"])
    return words.set_params(**options)


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("source", ["filename", "file"])
def test_skops_vectorizer_of_file_names_requires_trust(tmp_path, nested, source):
    step = make_vectorizer(input=source)
    step = FeatureUnion([("words", step)]) if nested else step
    model = make_pipeline(step, LogisticRegression().fit(np.eye(2), ["down", "up"]))
    path = tmp_path / "words.skops"
    skops.io.dump(model, path)
    with pytest.raises(InvalidArtifact, match="interprets its input as file names"):
        load_artifact("sklearn", path)
    load_artifact("sklearn", path, trusted=True)


def test_highly_compressed_skops_file_is_rejected(tmp_path):
    small, bomb = tmp_path / "small.skops", tmp_path / "bomb.skops"
    skops.io.dump(LogisticRegression(max_iter=1000).fit(*load_iris(return_X_y=True)), small)
    with zipfile.ZipFile(small) as source, zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(name, source.read(name))
        target.writestr("more.npy", b"\0" * (80 * 2**20))
    with pytest.raises(InvalidArtifact, match="compression ratio is too high for a model"):
        load_artifact("sklearn", bomb)


def test_highly_compressed_keras_file_is_rejected(tmp_path):
    bomb = tmp_path / "bomb.keras"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as write:
        write.writestr("config.json", json.dumps({}))
        write.writestr("metadata.json", json.dumps({}))
        write.writestr("model.weights.h5", b"\0" * (80 * 2**20))
    with pytest.raises(InvalidArtifact, match="compression ratio is too high for a model"):
        load_artifact("keras", bomb)


class DuckTypedModel:
    """A model that is not a scikit-learn estimator."""

    def predict(self, rows):
        return rows.sum(axis=1)


def test_model_that_is_not_an_estimator_is_loaded(tmp_path):
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(DuckTypedModel()))
    runtime, run = load_artifact("sklearn", path, trusted=True)
    assert runtime.describe().output == {"kind": "raw"}
    assert run(np.ones((2, 3))).tolist() == [3, 3]
