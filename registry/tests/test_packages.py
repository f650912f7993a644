"""Packages around a model are refused with the command that registers the model, and the command works."""

import shlex
import zipfile

import pytest

from core.tests.commands import run_command
from registry.models import ModelVersion
from registry.services import register_model

pytestmark = pytest.mark.django_db


@pytest.fixture
def save_regression(tmp_path):
    """Return a function that saves a small scikit-learn classifier at a path in the test's folder."""
    import joblib
    from sklearn.linear_model import LogisticRegression

    def save(name):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        joblib.dump(LogisticRegression().fit([[0.0], [1.0], [0.2], [0.8]], [0, 1, 0, 1]), path)
        return path

    return save


def find_command(error):
    """Return the arguments of the last command in a message."""
    return shlex.split(error.rpartition("manage.py ")[2])


@pytest.mark.parametrize("name", ["2 My Model/model.joblib", "weather/forest.joblib"])
def test_a_folder_with_one_model_and_labels_names_the_command_that_works(save_regression, name):
    path = save_regression(name)
    (path.parent / "labels.txt").write_text("no\nyes\n")
    error = run_command("register_model", path.parent)[2]
    assert "contains a model, but no model.toml. Register the model itself:" in error
    command = find_command(error)
    assert command[0] == "register_model"
    assert run_command(*command)[2] is None
    version = ModelVersion.objects.get()
    assert version.labels == ["no", "yes"]
    assert version.model.name == ("my-model" if path.name == "model.joblib" else "forest")


def test_a_zip_file_names_the_steps_that_work(save_regression, tmp_path):
    path = save_regression("weather/forest.joblib")
    archive = tmp_path / "converted model.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.write(path, "forest.joblib")
        file.writestr("labels.txt", "no\nyes\n")
    error = run_command("register_model", archive)[2]
    assert f"unzip '{archive}' -d '{tmp_path / 'converted model'}'" in error
    with zipfile.ZipFile(archive) as file:
        file.extractall(tmp_path / "converted model")
    error = run_command(*find_command(error))[2]
    assert run_command(*find_command(error))[2] is None


def test_a_folder_of_hugging_face_names_the_description_that_is_missing(tmp_path):
    for name in ("config.json", "preprocessor_config.json", "model.onnx"):
        (tmp_path / name).write_text("{}")
    error = run_command("register_model", tmp_path)[2]
    assert 'artifact = "model.onnx". Describe preprocessor_config.json in [input]' in error


def test_a_folder_with_several_models_lists_them(save_regression):
    path = save_regression("weather/forest.joblib")
    save_regression("weather/tree.joblib")
    assert "weather contains several models: forest.joblib, tree.joblib." in run_command("register_model", path.parent)[2]


def test_models_in_subfolders_are_found(save_regression, tmp_path):
    path = save_regression("download/run/artifacts/model.joblib")
    save_regression("download/__MACOSX/model.joblib")
    command = find_command(run_command("register_model", tmp_path / "download")[2])
    assert command == ["register_model", str(path), "--name", "artifacts", "--trusted"]
    (path.parent / "model.toml").write_text('artifact = "model.joblib"')
    command = find_command(run_command("register_model", tmp_path / "download")[2])
    assert command == ["register_model", str(path.parent)]


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ('titel = "x"\n', "Received: ['titel']. Did you mean title?"),
        ('zzz = "x"\n', "Received: ['zzz']."),
    ],
)
def test_unknown_keys_suggest_the_closest(write_dummy, line, hint):
    folder = write_dummy()
    path = folder / "model.toml"
    path.write_text(line + path.read_text())
    assert hint in run_command("register_model", folder)[2]


def test_unknown_keys_of_a_table_suggest_the_closest(write_dummy):
    folder = write_dummy()
    path = folder / "model.toml"
    path.write_text(path.read_text() + 'resise = "crop"\n')
    assert "Did you mean resize?" in run_command("register_model", folder)[2]
    path.write_text(path.read_text().replace("resise", "resize"))
    assert register_model(path=folder)
