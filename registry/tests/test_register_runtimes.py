"""Registration of models with another runtime, which runs code, and of artifacts that are folders."""

import pytest

from inference.errors import InferenceError, ModelUnavailable
from predictions.services import predict
from registry.models import ModelVersion
from registry.services import register_model
from registry.serving import lease_predictor
from registry.tests.factories import edit_manifest, get_artifact_path, set_runtime

pytestmark = pytest.mark.django_db
FEATURES = {"length": 4, "petals": 1}

DOUBLING_RUNTIME = """
from inference.base import BaseRuntime

class Doubling(BaseRuntime):
    def load(self):
        return lambda table: 2 * table.columns["length"]
"""
FOLDER_RUNTIME = """
from inference.base import BaseRuntime

class Folder(BaseRuntime):
    def load(self):
        factor = float((self.path / "weights" / "factor.txt").read_text())
        return lambda table: factor * table.columns["length"]
"""


@pytest.fixture
def write_module(tmp_path, monkeypatch):
    """Return a function that writes an importable module."""
    monkeypatch.syspath_prepend(tmp_path)
    return lambda name, code: (tmp_path / f"{name}.py").write_text(code)


@pytest.fixture
def saved_folder(write_rows, write_module):
    """Return a folder with a model.toml and an artifact that is an empty folder."""
    write_module("folders", FOLDER_RUNTIME)
    folder = write_rows()
    (folder / "saved").mkdir()
    edit_manifest(folder, 'artifact = "flowers.dummy.json"', 'artifact = "saved"')
    set_runtime(folder, "folders.Folder")
    return folder


def test_another_runtime_requires_trust_and_is_served_by_its_dotted_path(write_rows, write_module, user):
    write_module("doubling", DOUBLING_RUNTIME)
    folder = write_rows()
    set_runtime(folder, "doubling.Doubling")
    with pytest.raises(InferenceError, match="Importing another runtime runs its code"):
        register_model(path=folder)
    version = register_model(path=folder, trusted=True, promote=True)
    assert (version.runtime, version.trusted) == ("doubling.Doubling", True)
    assert predict(user=user, source="api", features=FEATURES).value == 8


def test_loading_checks_that_the_version_is_trusted(write_rows, write_module, user):
    write_module("doubling", DOUBLING_RUNTIME)
    good = register_model(path=write_rows(), promote=True)
    fields = {"artifact": good.artifact, "sha256": good.sha256, "size": good.size, "signature": good.signature}
    version = ModelVersion.objects.create(model=good.model, number=2, runtime="doubling.Doubling", **fields)
    with pytest.raises(ModelUnavailable, match=r"^flowers:2 cannot be loaded\.$"):
        predict(user=user, source="api", features=FEATURES, model="flowers:2")
    with pytest.raises(ModelUnavailable) as caught, lease_predictor(version):
        pass
    assert "Importing another runtime runs its code" in str(caught.value.__cause__)


def test_a_folder_is_copied_hashed_and_served(saved_folder, user):
    (saved_folder / "saved" / "weights").mkdir()
    (saved_folder / "saved" / "weights" / "factor.txt").write_text("3")
    (saved_folder / "saved" / "readme.txt").write_text("x")
    first = register_model(path=saved_folder, trusted=True, promote=True)
    second = register_model(path=saved_folder, trusted=True)
    assert (first.artifact, first.size) == (second.artifact, 2)
    assert predict(user=user, source="api", features=FEATURES).value == 12
    copy = get_artifact_path(first)
    assert sorted(path.name for path in copy.rglob("*")) == ["factor.txt", "readme.txt", "weights"]
    (copy / "more.txt").write_text("an added file")
    third = register_model(path=saved_folder, trusted=True)
    assert third.artifact != first.artifact
    assert third.sha256 == first.sha256


@pytest.mark.parametrize("content", ["link", "nothing", "unprintable name"])
def test_a_folder_must_contain_plain_files(saved_folder, content):
    if content == "link":
        (saved_folder / "saved" / "link").symlink_to("/etc/passwd")
    if content == "unprintable name":
        (saved_folder / "saved" / "a\nb").write_text("x")
    with pytest.raises(InferenceError, match="model folder"):
        register_model(path=saved_folder, trusted=True)
