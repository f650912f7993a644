"""Promotion verifies a version, moves the alias, and records it."""

import json

import pytest
from django.core.exceptions import ValidationError

from core.tests.commands import run_command
from inference.errors import ArtifactMismatch, InvalidOutput, ModelUnavailable
from predictions.services import predict
from registry.errors import UnknownModel
from registry.models import AliasChange, ModelVersion
from registry.references import resolve_version
from registry.services import promote_model, register_model
from registry.serving import get_pool
from registry.tests.factories import damage_artifact, get_artifact_path

pytestmark = pytest.mark.django_db


def test_promotion_moves_the_alias_and_records_the_change(versions, user):
    for number in (2, 1):
        promote_model(name="flowers", number=number, user=user)
        assert resolve_version("flowers").number == number
    changes = AliasChange.objects.order_by("id")
    history = [(change.from_version and change.from_version.number, change.to_version.number) for change in changes]
    assert history == [(None, 1), (1, 2), (2, 1)]
    assert [change.changed_by for change in changes] == [None, user, user]


def test_requests_use_the_version_of_their_alias(versions, user):
    def get_value(model="flowers"):
        prediction = predict(user=user, source="api", features={"length": 4.0, "petals": 5}, model=model)
        return prediction.value, prediction.model_version.number

    values = [get_value()]
    for number in (2, 1):
        promote_model(name="flowers", number=number, user=user)
        values.append(get_value())
    assert values == [(9, 1), (90, 2), (9, 1)]
    promote_model(name="flowers", number=2, alias="staging", user=user)
    references = ("flowers", "flowers@staging", "flowers:2", "flowers@production", "flowers:1")
    assert [get_value(reference)[0] for reference in references] == [9, 90, 90, 9, 9]
    changes = AliasChange.objects.order_by("id").values_list("alias", "from_version__number", "to_version__number")
    assert list(changes) == [
        ("production", None, 1),
        ("production", 1, 2),
        ("production", 2, 1),
        ("staging", None, 2),
    ]


def test_a_new_alias_is_created(versions):
    promote_model(name="flowers", number=2, alias="staging")
    assert resolve_version("flowers@staging") == versions[1]
    for alias in ("", "No Good", "x" * 51):
        with pytest.raises(ValidationError):
            promote_model(name="flowers", number=1, alias=alias)


@pytest.mark.parametrize("number", [2, 0, -1, 10**10, 10**30])
def test_unknown_versions_are_rejected(shades, number):
    with pytest.raises(UnknownModel, match=f"The model shades has no version {number}."):
        promote_model(name="shades", number=number)


def test_unknown_models_are_rejected(shades):
    with pytest.raises(UnknownModel, match="no model named 'nope'"):
        promote_model(name="nope", number=1)


@pytest.mark.parametrize("text", ["{", json.dumps({"sum": 11.0}), ""])
def test_a_damaged_version_is_not_promoted(versions, text):
    damage_artifact(versions[1], text)
    with pytest.raises(ArtifactMismatch):
        promote_model(name="flowers", number=2)
    assert "differs from the registered file" in run_command("promote_model", "flowers", 2)[2]
    assert resolve_version("flowers") == versions[0]
    assert AliasChange.objects.count() == 1


def test_a_version_without_its_artifact_is_not_promoted(versions):
    get_artifact_path(versions[1]).unlink()
    with pytest.raises(ModelUnavailable):
        promote_model(name="flowers", number=2)


def test_a_version_that_does_not_reproduce_its_examples_is_not_promoted(versions):
    good = versions[1]
    fields = {"runtime": "dummy", "artifact": good.artifact, "sha256": good.sha256, "size": good.size}
    examples = [{"features": {"length": 2, "petals": 3}, "value": 5}]
    ModelVersion.objects.create(model=good.model, number=3, signature=good.signature, examples=examples, **fields)
    with pytest.raises(InvalidOutput, match=r"Expected value 5 .* Received: 50"):
        promote_model(name="flowers", number=3)
    assert resolve_version("flowers") == versions[0]


def test_the_command_records_the_user(versions, user):
    assert run_command("promote_model", "flowers", 2, "--user", "ada")[2] is None
    assert AliasChange.objects.first().changed_by == user
    assert run_command("promote_model", "flowers", 1, "--user", "nobody")[2] == "There is no user 'nobody'."


def test_check_models_reports_a_damaged_version(versions):
    assert "flowers:1: ok" in run_command("check_models")[0]
    get_pool().close()
    damage_artifact(versions[0])
    assert run_command("check_models")[2] == "1 of 1 versions with an alias failed."


def test_a_version_can_be_promoted_after_it_is_registered_from_a_folder_that_is_gone(write_rows):
    folder = write_rows()
    version = register_model(path=folder)
    (folder / "flowers.dummy.json").unlink()
    promote_model(name="flowers", number=1)
    assert resolve_version("flowers") == version
