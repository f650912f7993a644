import json
import tomllib
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError

from inference.errors import InferenceError
from registry.errors import InactiveModel, UnknownModel
from registry.models import Alias, AliasChange, ModelVersion, RegisteredModel
from registry.references import resolve_version
from registry.services import promote_model, register_model
from registry.serving import lease_predictor

pytestmark = pytest.mark.django_db


def as_toml(manifest):
    """Return TOML; what is no table is written the same in JSON."""
    lines = [f"{name} = {json.dumps(value)}" for name, value in manifest.items() if not isinstance(value, dict)]
    for table, values in manifest.items():
        if isinstance(values, dict):
            lines += [f"[{table}]", *(f"{name} = {json.dumps(value)}" for name, value in values.items())]
    return "\n".join(lines)


def test_registers_what_the_folder_says(write_dummy, settings, user):
    folder = write_dummy()
    version = register_model(path=folder, user=user)
    stored = Path(settings.MODEL_ROOT, version.artifact)
    assert stored.read_bytes() == (folder / "shades.dummy.json").read_bytes()
    assert (version.model.name, version.number, version.runtime, version.created_by) == ("shades", 1, "dummy", user)
    assert version.labels == ["black", "grey", "white"]
    assert version.signature["input"] == {
        **{
            "kind": "image",
            "height": 8,
            "width": 8,
            "channels": 1,
            "scale": "unit",
            "resize": "stretch",
            "layout": "channels-last",
        }
    }
    assert version.model.task == RegisteredModel.Task.IMAGE_CLASSIFICATION
    assert not Alias.objects.exists()


def test_numbers_follow_each_other(write_dummy):
    numbers = [register_model(path=write_dummy(sleep=n / 1000)).number for n in range(3)]
    assert numbers == [1, 2, 3]


def test_the_same_file_is_kept_once(write_dummy, settings):
    first, second = (register_model(path=write_dummy()) for _ in range(2))
    assert first.artifact == second.artifact
    assert len([path for path in Path(settings.MODEL_ROOT).rglob("*") if path.is_file()]) == 1


def test_a_bare_artifact_takes_its_labels_from_a_file(write_dummy, tmp_path):
    folder = write_dummy()
    (folder / "model.toml").unlink()
    labels = tmp_path / "labels.txt"
    labels.write_text("night\nfog\n\nsnow\n")
    with pytest.raises(InferenceError, match="height"):  # a dummy does not say what size it takes
        register_model(path=folder / "shades.dummy.json", labels=labels)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"labels": ["a", "b"]}, "Expected 3 labels"),
        ({"labels": []}, "Expected labels, in model.toml or by --labels"),
        ({"labels": ["a", "a", "b"]}, "Received twice: a"),
        ({"labels": ["a", "b", "x" * 101]}, "1 to 100 printable"),
        ({"labels": ["a", "b", "\u202e"]}, "1 to 100 printable"),
        ({"name": "Has Space"}, "lower-case letters"),
        ({"name": "../../etc"}, "lower-case letters"),
        ({"artifact": "../shades.dummy.json"}, "inside"),
        ({"artifact": "/etc/passwd"}, "inside"),
        ({"artifact": "missing.keras"}, "inside"),
        ({"artifact": "model.toml"}, "ends in"),
        ({"titel": "x"}, "Received: ['titel']"),
        ({"title": ["x"]}, "Expected title to be a str"),
        ({"input": "x"}, "Expected input to be a dict"),
        ({"labels": "abc"}, "Expected labels to be a list"),
        ({"runtime": "os.path"}, "to import it runs its code"),
        ({"artifact": "a\0b"}, "inside"),
        ({"input": {"kind": "image", "height": 8}}, "width"),
        ({"output": {"kind": "classes", "activation": "relu"}}, "activation to be one of"),
    ],
)
def test_refuses_a_wrong_manifest_and_writes_nothing(write_dummy, settings, change, says):
    folder = write_dummy()
    manifest = tomllib.loads((folder / "model.toml").read_text()) | change
    (folder / "model.toml").write_text(as_toml(manifest))
    with pytest.raises((InferenceError, ValidationError)) as caught:
        register_model(path=folder)
    assert says in getattr(caught.value, "message", str(caught.value))
    assert not RegisteredModel.objects.exists()
    assert not Path(settings.MODEL_ROOT).exists()


@pytest.mark.parametrize("behaviour", [{"fail": "no"}, {"nan": True}, {"fixed": [2.0, 1.0, 0.5]}])
def test_refuses_a_model_that_does_not_work(write_dummy, settings, behaviour):
    with pytest.raises(InferenceError):
        register_model(path=write_dummy(**behaviour))
    assert not ModelVersion.objects.exists()
    assert not Path(settings.MODEL_ROOT).exists()


@pytest.mark.parametrize("content", ["[1]", "{", '{"colour": 1}'])
def test_refuses_an_artifact_that_does_not_load(write_dummy, content):
    folder = write_dummy()
    (folder / "shades.dummy.json").write_text(content)
    with pytest.raises(InferenceError):
        register_model(path=folder)


def test_a_symlink_out_of_the_folder_is_refused(write_dummy, tmp_path):
    folder = write_dummy()
    outside = tmp_path / "outside.dummy.json"
    outside.write_text(json.dumps({"classes": 3}))
    (folder / "shades.dummy.json").unlink()
    (folder / "shades.dummy.json").symlink_to(outside)
    with pytest.raises(InferenceError, match="inside"):
        register_model(path=folder)


def test_promoting_moves_the_alias_and_keeps_the_trail(write_dummy, user):
    for n in range(2):
        register_model(path=write_dummy(sleep=n / 1000), promote=n == 0)
    assert resolve_version("shades").number == 1
    promote_model(name="shades", number=2, user=user)
    assert resolve_version("shades").number == 2
    promote_model(name="shades", number=1, user=user)
    assert resolve_version("shades").number == 1
    trail = [
        (change.from_version and change.from_version.number, change.to_version.number, change.changed_by)
        for change in AliasChange.objects.order_by("id")
    ]
    assert trail == [(None, 1, None), (1, 2, user), (2, 1, user)]


def test_a_model_without_alias_is_for_operators_and_reviewers_only(write_dummy, user, reviewer):
    version = register_model(path=write_dummy())
    assert resolve_version("shades:1") == resolve_version("shades:1", user=reviewer) == version
    with pytest.raises(InactiveModel):
        resolve_version("shades:1", user=user)
    promote_model(name="shades", number=1)
    assert resolve_version("shades:1", user=user) == version


def test_any_alias_can_be_made(write_dummy):
    version = register_model(path=write_dummy(), promote=True)
    promote_model(name="shades", number=1, alias="staging")
    assert resolve_version("shades@staging") == version
    with pytest.raises(ValidationError):
        promote_model(name="shades", number=1, alias="No Good")


@pytest.mark.parametrize(("name", "number"), [("shades", 2), ("nope", 1), ("shades", 0), ("shades", -1)])
def test_promoting_what_is_not_there_is_refused(shades, name, number):
    with pytest.raises(UnknownModel):
        promote_model(name=name, number=number)


def test_the_default_model_is_the_first_registered_or_the_configured(write_dummy, settings):
    first = register_model(path=write_dummy(name="zebra"), promote=True)
    second = register_model(path=write_dummy(name="ant"), promote=True)
    assert resolve_version("") == first
    settings.DEFAULT_MODEL = "ant"
    assert resolve_version("") == second


def test_without_any_model_the_error_says_how_to_get_one():
    with pytest.raises(UnknownModel, match="register_model PATH --promote"):
        resolve_version("")


def test_a_registered_version_is_served_from_the_copy(write_dummy):
    folder = write_dummy()
    version = register_model(path=folder)
    (folder / "shades.dummy.json").unlink()
    with lease_predictor(version) as predictor:
        assert predictor.spec.labels == ("black", "grey", "white")
