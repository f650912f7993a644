"""Files that would run code, read other files or unpack to gigabytes: none is opened without trust."""

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


class Evil:
    def __init__(self, canary):
        self.canary = canary

    def __reduce__(self):
        return (open, (str(self.canary), "w"))


@pytest.mark.parametrize("runtime", ["sklearn", "keras", "onnx", "tensorflow", "mlflow"])
@pytest.mark.parametrize("ending", [".bin", "", ".skops.old", ".keras2"])
def test_an_unknown_ending_is_not_taken_for_harmless(tmp_path, runtime, ending):
    path, canary = tmp_path / f"model{ending}", tmp_path / "canary"
    path.write_bytes(pickle.dumps(Evil(canary)))
    with pytest.raises(InvalidArtifact, match="runs its author's code"):
        load_artifact(runtime, path)
    assert not canary.exists()


@pytest.mark.parametrize("runtime", ["sklearn", "keras", "onnx", "tensorflow", "mlflow", "dummy"])
@pytest.mark.parametrize("name", ["net", "net.keras", "net.onnx", "net.skops"])
def test_a_folder_is_never_data(tmp_path, runtime, name):
    folder = tmp_path / name
    folder.mkdir()
    for inside in ("config.json", "metadata.json", "saved_model.pbtxt", "saved_model.pb", "MLmodel"):
        (folder / inside).write_text("{}")
    with pytest.raises(InvalidArtifact, match="runs its author's code"):
        load_artifact(runtime, folder)


def vectorizer(**options):
    words = CountVectorizer().fit(["good", "bad"])
    return words.set_params(**options)


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("source", ["filename", "file"])
def test_a_skops_file_does_not_read_what_its_callers_name(tmp_path, nested, source):
    step = vectorizer(input=source)
    step = FeatureUnion([("words", step)]) if nested else step
    model = make_pipeline(step, LogisticRegression().fit(np.eye(2), ["down", "up"]))
    path = tmp_path / "words.skops"
    skops.io.dump(model, path)
    with pytest.raises(InvalidArtifact, match="reads files that callers name"):
        load_artifact("sklearn", path)
    load_artifact("sklearn", path, trusted=True)


def test_a_skops_file_that_unpacks_to_far_more_than_it_is_is_not_unpacked(tmp_path):
    small, bomb = tmp_path / "small.skops", tmp_path / "bomb.skops"
    skops.io.dump(LogisticRegression(max_iter=1000).fit(*load_iris(return_X_y=True)), small)
    with zipfile.ZipFile(small) as read, zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as write:
        for name in read.namelist():
            write.writestr(name, read.read(name))
        write.writestr("more.npy", b"\0" * (80 * 2**20))
    with pytest.raises(InvalidArtifact, match="would unpack to"):
        load_artifact("sklearn", bomb)


def test_a_keras_file_that_unpacks_to_far_more_than_it_is_is_not_unpacked(tmp_path):
    bomb = tmp_path / "bomb.keras"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as write:
        write.writestr("config.json", json.dumps({}))
        write.writestr("metadata.json", json.dumps({}))
        write.writestr("model.weights.h5", b"\0" * (80 * 2**20))
    with pytest.raises(InvalidArtifact, match="weights, which hardly compress"):
        load_artifact("keras", bomb)


class Plain:
    """What behaves like an estimator and is none."""

    def predict(self, rows):
        return rows.sum(axis=1)


def test_what_only_behaves_like_an_estimator_is_served(tmp_path):
    path = tmp_path / "plain.pkl"
    path.write_bytes(pickle.dumps(Plain()))
    runtime, run = load_artifact("sklearn", path, trusted=True)
    assert runtime.describe().output == {"kind": "raw"}
    assert run(np.ones((2, 3))).tolist() == [3, 3]
