"""Registration copies the model, stores a version, and writes nothing when a check fails."""

import json
import tomllib
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError

from inference.errors import InferenceError
from registry.models import Alias, ModelVersion, RegisteredModel
from registry.services import register_model
from registry.serving import lease_predictor
from registry.tests.factories import get_artifact_path

pytestmark = pytest.mark.django_db


def format_toml(manifest):
    """Return TOML, in which all values but tables are written as in JSON."""
    lines = [f"{name} = {json.dumps(value)}" for name, value in manifest.items() if not isinstance(value, dict)]
    for table, values in manifest.items():
        if isinstance(values, dict):
            lines += [f"[{table}]", *(f"{name} = {json.dumps(value)}" for name, value in values.items())]
    return "\n".join(lines)


def test_a_version_is_stored_as_its_folder_describes_it(write_dummy, user):
    folder = write_dummy()
    version = register_model(path=folder, user=user)
    assert get_artifact_path(version).read_bytes() == (folder / "shades.dummy.json").read_bytes()
    assert (version.model.name, version.number, version.runtime, version.created_by) == ("shades", 1, "dummy", user)
    assert version.labels == ["black", "grey", "white"]
    assert version.signature["input"] == {
        "kind": "image",
        "height": 8,
        "width": 8,
        "channels": 1,
        "scale": "unit",
        "resize": "stretch",
        "layout": "channels-last",
        "order": "rgb",
        "interpolation": "bilinear",
        "antialias": True,
        "background": "white",
    }
    assert version.model.task == RegisteredModel.Task.IMAGE_CLASSIFICATION
    assert not Alias.objects.exists()


def test_version_numbers_are_consecutive(write_dummy):
    numbers = [register_model(path=write_dummy(sleep=n / 1000)).number for n in range(3)]
    assert numbers == [1, 2, 3]


def test_versions_with_the_same_artifact_share_one_copy(write_dummy, settings):
    first, second = (register_model(path=write_dummy()) for _ in range(2))
    assert first.number != second.number
    assert first.artifact == second.artifact
    assert len([path for path in Path(settings.MODEL_ROOT).rglob("*") if path.is_file()]) == 1


def test_a_version_is_loaded_from_the_copy(write_dummy):
    folder = write_dummy()
    version = register_model(path=folder)
    (folder / "shades.dummy.json").unlink()
    with lease_predictor(version) as predictor:
        assert predictor.spec.labels == ("black", "grey", "white")


def test_a_bare_artifact_that_does_not_describe_its_input_is_rejected(write_dummy, tmp_path):
    folder = write_dummy()
    (folder / "model.toml").unlink()
    labels = tmp_path / "labels.txt"
    labels.write_text("night\nfog\n\nsnow\n")
    with pytest.raises(InferenceError, match="height"):
        register_model(path=folder / "shades.dummy.json", labels=labels)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": ["a", "b"]}, "Expected 3 labels"),
        ({"labels": []}, "Expected labels, in model.toml or with --labels"),
        ({"labels": ["a", "a", "b"]}, "Labels must be unique. Duplicates: a"),
        ({"labels": ["a", "b", "x" * 101]}, "1 to 100 printable"),
        ({"labels": ["a", "b", "\u202e"]}, "1 to 100 printable"),
        ({"name": "Has Space"}, "Received: 'Has Space'. Set another name with --name."),
        ({"name": "../../etc"}, "lowercase letters"),
        ({"artifact": "../shades.dummy.json"}, "inside"),
        ({"artifact": "/etc/passwd"}, "inside"),
        ({"artifact": "missing.keras"}, "inside"),
        ({"artifact": "model.toml"}, "ends in"),
        ({"titel": "x"}, "Received: ['titel']"),
        ({"title": ["x"]}, "Expected title to be a string. Received: ['x']"),
        ({"input": "x"}, "Expected input to be a table. Received: 'x'"),
        ({"labels": "abc"}, "Expected labels to be an array. Received: 'abc'"),
        ({"examples": [1]}, "Expected examples to be tables: [[examples]]. Received: [1]"),
        ({"runtime": "os.path"}, "Importing another runtime runs its code"),
        ({"artifact": "a\0b"}, "inside"),
        ({"input": {"kind": "image", "height": 8}}, "width"),
        ({"output": {"kind": "classes", "activation": "relu"}}, "activation to be one of"),
    ],
)
def test_an_invalid_manifest_is_rejected_and_nothing_is_written(write_dummy, settings, changes, message):
    folder = write_dummy()
    manifest = tomllib.loads((folder / "model.toml").read_text()) | changes
    (folder / "model.toml").write_text(format_toml(manifest))
    with pytest.raises((InferenceError, ValidationError)) as caught:
        register_model(path=folder)
    assert message in getattr(caught.value, "message", str(caught.value))
    assert not RegisteredModel.objects.exists()
    assert not Path(settings.MODEL_ROOT).exists()


@pytest.mark.parametrize("behavior", [{"fail": "no"}, {"nan": True}, {"fixed": [2.0, 1.0, 0.5]}])
def test_a_model_that_does_not_work_is_rejected(write_dummy, settings, behavior):
    with pytest.raises(InferenceError):
        register_model(path=write_dummy(**behavior))
    assert not ModelVersion.objects.exists()
    assert not Path(settings.MODEL_ROOT).exists()


@pytest.mark.parametrize("content", ["[1]", "{", '{"colour": 1}'])
def test_an_artifact_that_does_not_load_is_rejected(write_dummy, content):
    folder = write_dummy()
    (folder / "shades.dummy.json").write_text(content)
    with pytest.raises(InferenceError):
        register_model(path=folder)


def test_a_symbolic_link_that_leaves_the_folder_is_rejected(write_dummy, tmp_path):
    folder = write_dummy()
    outside = tmp_path / "outside.dummy.json"
    outside.write_text(json.dumps({"classes": 3}))
    (folder / "shades.dummy.json").unlink()
    (folder / "shades.dummy.json").symlink_to(outside)
    with pytest.raises(InferenceError, match="inside"):
        register_model(path=folder)


def test_all_versions_of_a_model_have_the_same_task(flowers, write_dummy):
    message = r"All versions of flowers must be models for tabular-regression\. This model is for image-classification\."
    with pytest.raises(InferenceError, match=message):
        register_model(path=write_dummy(name="flowers"))
    assert ModelVersion.objects.count() == 1
