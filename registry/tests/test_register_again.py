"""Registering a model again: the same artifact, and another task under the same name."""

from pathlib import Path

import pytest

from core.tests.commands import run_command
from inference.errors import InferenceError
from predictions.services import predict
from registry.models import Alias, AliasChange, ModelVersion, RegisteredModel
from registry.services import promote_model, register_model
from registry.tests.factories import damage_artifact, edit_manifest, get_artifact_path

pytestmark = pytest.mark.django_db
Task = RegisteredModel.Task


def test_the_same_artifact_is_registered_once(write_rows):
    folder = write_rows()
    first = register_model(path=folder)
    register_model(path=write_rows(factor=2))
    out, _, error = run_command("register_model", folder)
    assert error is None
    assert "Already registered as flowers:1, with the same artifact and description. Nothing is added." in out
    assert register_model(path=folder) == first
    assert ModelVersion.objects.count() == 2
    assert run_command("register_model", folder, "--name", "roses")[0].count("Registered roses:1") == 1


def test_an_existing_version_is_promoted_once(write_rows):
    folder = write_rows()
    register_model(path=folder)
    for _ in range(2):
        assert "flowers@production -> 1" in run_command("register_model", folder, "--promote")[0]
    assert AliasChange.objects.count() == 1
    assert Alias.objects.get().version.number == 1


@pytest.mark.parametrize(
    ("old", "new"),
    [('unit = "cm²"', 'unit = "mm²"'), ("max = 10", "max = 11"), ('notes = "', 'notes = "New. '), ('unit = "cm"\n', "")],
)
def test_another_description_is_another_version(write_rows, old, new):
    folder = write_rows()
    register_model(path=folder)
    edit_manifest(folder, old, new)
    assert register_model(path=folder).number == 2


def test_another_title_changes_the_model_only(write_rows):
    folder = write_rows()
    register_model(path=folder)
    edit_manifest(folder, 'title = "Flowers"', 'title = "Roses"')
    assert register_model(path=folder).number == 1
    assert RegisteredModel.objects.get().title == "Roses"


def test_trust_is_part_of_a_version(write_rows):
    folder = write_rows()
    register_model(path=folder)
    assert register_model(path=folder, trusted=True).number == 2


@pytest.mark.parametrize("damage", [damage_artifact, lambda version: get_artifact_path(version).unlink()])
def test_a_damaged_version_is_replaced_by_a_new_one(write_rows, damage):
    folder = write_rows()
    damage(register_model(path=folder))
    second = register_model(path=folder)
    assert second.number == 2
    promote_model(name="flowers", number=2)


def test_the_task_of_an_unused_model_can_change(write_rows, write_dummy):
    register_model(path=write_rows())
    out, _, error = run_command("register_model", write_dummy(), "--name", "flowers")
    assert error is None
    assert "Registered flowers:2.\n" in out
    notice = "The task of flowers changes from tabular-regression to image-classification, because no version is in use."
    assert notice in " ".join(out.split())
    assert RegisteredModel.objects.get().task == Task.IMAGE_CLASSIFICATION
    assert ModelVersion.objects.get(number=2).notices == [notice]


def test_an_earlier_version_with_another_task_cannot_be_promoted(write_rows, write_dummy):
    register_model(path=write_rows())
    register_model(path=write_dummy(), name="flowers")
    error = run_command("promote_model", "flowers", 1)[2]
    assert error == (
        "flowers:1 is a model for tabular-regression, but all newer versions of flowers are models for "
        "image-classification. Register it under another name."
    )
    assert run_command("promote_model", "flowers", 2)[2] is None


def test_an_alias_fixes_the_task_even_after_it_is_deleted(flowers, write_dummy):
    Alias.objects.all().delete()
    with pytest.raises(InferenceError, match="Set another name with --name"):
        register_model(path=write_dummy(), name="flowers")


def test_a_prediction_fixes_the_task(write_rows, write_dummy):
    register_model(path=write_rows())
    predict(user=None, source="cli", model="flowers:1", features={"length": 1, "petals": 5})
    error = run_command("register_model", write_dummy(), "--name", "flowers")[2]
    assert "All versions of flowers must be models for tabular-regression." in error
    assert ModelVersion.objects.count() == 1


def test_a_dry_run_writes_nothing(write_rows, settings):
    folder = write_rows()
    out = run_command("register_model", folder, "--dry-run", "--promote")[0]
    assert "flowers:1" in out
    assert "Dry run: nothing was written. To register the model, run the command without --dry-run." in out
    assert not RegisteredModel.objects.exists()
    assert not Path(settings.MODEL_ROOT).exists()
    register_model(path=folder)
    assert "Dry run: already registered as flowers:1." in run_command("register_model", folder, "--dry-run")[0]
    assert "flowers:2" in run_command("register_model", write_rows(factor=2), "--dry-run")[0]


def test_a_dry_run_reports_errors(write_rows):
    error = run_command("register_model", write_rows(fail="wool"), "--dry-run")[2]
    assert error == (
        "Not registered: The model failed on a row of typical values: wool. Add a row that it accepts to model.toml, as "
        "features of an [[examples]] table."
    )


def test_an_unknown_model_cannot_be_promoted(flowers, shades):
    error = run_command("promote_model", "flower", 1)[2]
    assert error == "There is no model named 'flower'. The registered models are flowers, shades."
    assert run_command("promote_model", "flowers", 7)[2] == "The model flowers has no version 7."
