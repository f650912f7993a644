"""Pickles that cannot be loaded: the message names the reason and the step that helps, and the step works."""

import gzip
import pickle
import subprocess
import sys
import zipfile

import joblib
import pytest
import sklearn.base
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from inference.errors import InvalidArtifact
from inference.runtimes import detect_runtime, load_artifact

pytestmark = pytest.mark.xdist_group("sklearn")
IRIS, SPECIES = load_iris(return_X_y=True, as_frame=True)
CLASS_CODE = """
from sklearn.linear_model import LogisticRegression

class Cautious(LogisticRegression):
    def predict(self, rows):
        return self.classes_.take((self.predict_proba(rows)[:, 1] > 0.9).astype(int))
"""
SAVE_CODE = """
import joblib
from sklearn.datasets import load_iris

rows, species = load_iris(return_X_y=True, as_frame=True)
joblib.dump(Cautious(max_iter=500).fit(rows, species > 0), "model.joblib")
"""


def save_old_model(path, monkeypatch, **options):
    monkeypatch.setattr(sklearn.base, "__version__", "1.2.2")
    joblib.dump(LogisticRegression(max_iter=500).fit(IRIS, SPECIES), path, **options)
    monkeypatch.undo()


def test_class_of_a_script_is_moved_to_a_module(tmp_path, monkeypatch):
    subprocess.run([sys.executable, "-c", CLASS_CODE + SAVE_CODE], cwd=tmp_path, check=True)
    with pytest.raises(InvalidArtifact, match=r"needs Cautious, which was defined in the script .* Move Cautious to a file"):
        load_artifact("sklearn", tmp_path / "model.joblib", trusted=True)
    (tmp_path / "model_code.py").write_text(CLASS_CODE)
    subprocess.run([sys.executable, "-c", "from model_code import Cautious" + SAVE_CODE], cwd=tmp_path, check=True)
    monkeypatch.syspath_prepend(str(tmp_path))
    runtime, _ = load_artifact("sklearn", tmp_path / "model.joblib", trusted=True)
    assert runtime.describe().output["label_name"] == "label"


def test_versions_are_named_if_another_version_wrote_the_file(tmp_path, monkeypatch):
    save_old_model(tmp_path / "old.joblib", monkeypatch)
    runtime, _ = load_artifact("sklearn", tmp_path / "old.joblib", trusted=True)
    assert runtime.describe().notices[0] == (
        f"old.joblib was saved with scikit-learn 1.2.2, and {sklearn.__version__} is installed. The results can differ."
    )


@pytest.mark.parametrize("compress", [0, "zlib", "gzip", "bz2", "lzma", "xz"])
def test_versions_are_named_if_the_file_cannot_be_loaded(tmp_path, monkeypatch, compress):
    monkeypatch.setattr(LogisticRegression, "__module__", "sklearn.linear_model.logistic")
    monkeypatch.setitem(sys.modules, "sklearn.linear_model.logistic", sys.modules["sklearn.linear_model"])
    path = tmp_path / "old.joblib"
    monkeypatch.setattr(sklearn.base, "__version__", "1.2.2")
    joblib.dump(LogisticRegression(max_iter=500).fit(IRIS, SPECIES), path, compress=compress)
    monkeypatch.undo()
    with pytest.raises(InvalidArtifact, match=r"saved with scikit-learn 1\.2\.2, and .* cannot use it .* with skl2onnx"):
        load_artifact("sklearn", path, trusted=True)


@pytest.mark.parametrize(
    ("module", "message"),
    [("xgboost_", "own code, put the module next to"), ("skorch.nothing", "pip install skorch"), ("json", "has none")],
)
def test_missing_modules_and_classes_are_named(tmp_path, module, message):
    path = tmp_path / "model.pkl"
    path.write_bytes(b"\x80\x04c" + module.encode() + b"\nNetwork\n.")
    with pytest.raises(InvalidArtifact, match=message):
        load_artifact("sklearn", path, trusted=True)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            {"model": LogisticRegression(), "columns": ["a"]},
            r"contains a dict with the keys model, columns\. Save one object: the model itself",
        ),
        ([1, 2], r"contains a list\. Save one object: the model itself"),
    ],
)
def test_a_pickle_without_a_model_is_rejected(tmp_path, content, message):
    joblib.dump(content, tmp_path / "model.joblib")
    with pytest.raises(InvalidArtifact, match=message):
        load_artifact("sklearn", tmp_path / "model.joblib", trusted=True)


@pytest.mark.parametrize(("data", "message"), [(b"", "is empty"), (b"\x80\x05\x95", "The file may be incomplete")])
def test_an_incomplete_pickle_is_rejected(tmp_path, data, message):
    (tmp_path / "model.pkl").write_bytes(data)
    with pytest.raises(InvalidArtifact, match=message):
        load_artifact("sklearn", tmp_path / "model.pkl", trusted=True)


def test_file_of_dill_is_named(tmp_path):
    (tmp_path / "model.pkl").write_bytes(b"\x80\x04cdill._dill\n_create_function\n.")
    with pytest.raises(InvalidArtifact, match=r"model.pkl is not supported. It was saved with dill. Move your own code to"):
        load_artifact("sklearn", tmp_path / "model.pkl", trusted=True)


@pytest.mark.parametrize("entry", ["model/data.pkl", "archive/data/0"])
def test_file_of_pytorch_is_named(tmp_path, entry):
    for name, load in (("model.pkl", lambda path: load_artifact("sklearn", path, trusted=True)), ("model", detect_runtime)):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr(entry, b"\x80\x02.")
        with pytest.raises(InvalidArtifact, match=rf"{name} is not supported. It was saved by PyTorch. Export the"):
            load(tmp_path / name)


@pytest.mark.parametrize(("content", "is_network"), [("torch.nn.modules", True), ("skorch torch.nn", False), ("", False)])
def test_pickled_network_of_pytorch_names_the_export(tmp_path, content, is_network):
    data = content.encode()
    for module in (b"torch", b"__main__"):  # a module that is missing, and a class that is
        (tmp_path / "model.pkl").write_bytes(b"\x80\x02c" + module + b"\nNetwork\nU" + bytes([len(data)]) + data + b"0.")
        with pytest.raises(InvalidArtifact) as caught:
            load_artifact("sklearn", tmp_path / "model.pkl", trusted=True)
        assert ("PyTorch network itself: Export the model to ONNX" in caught.value.message) is is_network


def test_gzip_file_of_several_members_is_read(tmp_path):
    data = pickle.dumps(LogisticRegression(max_iter=500).fit(IRIS, SPECIES))
    (tmp_path / "model.pkl").write_bytes(gzip.compress(data[:90]) + gzip.compress(data[90:]))
    runtime, _ = load_artifact("sklearn", tmp_path / "model.pkl", trusted=True)
    assert [column.name for column in runtime.columns] == list(IRIS.columns)
