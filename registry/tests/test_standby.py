"""When the version behind an alias cannot be loaded, the previous version of the alias serves the requests."""

import pytest

from core.tests.commands import run_command
from core.tests.pages import get_text
from predictions.services import predict
from registry.services import register_model
from registry.services.promote import move_alias
from registry.serving import build_pool, get_pool, get_spec
from registry.tests.factories import damage_artifact

pytestmark = pytest.mark.django_db
FEATURES = {"length": 4.0, "petals": 5}


@pytest.fixture
def predict_flowers(user):
    """Return a function that makes a prediction, whose value is 9 by version 1 and 90 by version 2."""

    def run(model="flowers", **features):
        return predict(user=user, source="api", features={**FEATURES, **features}, model=model)

    return run


def test_the_previous_version_serves_requests_to_the_alias(versions, predict_flowers):
    """The artifact was damaged after the promotion, and before this process loaded it."""
    damage_artifact(versions[1])
    move_alias(version=versions[1])
    prediction = predict_flowers()
    assert (prediction.value, prediction.model_version, prediction.status) == (9, versions[0], "succeeded")
    assert predict_flowers("flowers@production").model_version == versions[0]


def test_a_request_by_version_number_has_no_standby(versions, predict_flowers):
    damage_artifact(versions[1])
    move_alias(version=versions[1])
    prediction = predict_flowers("flowers:2")
    assert (prediction.status, prediction.error_code) == ("failed", "artifact-mismatch")
    assert prediction.model_version == versions[1]


def test_an_alias_without_a_previous_version_has_no_standby(versions, predict_flowers):
    damage_artifact(versions[1])
    move_alias(version=versions[1], alias="staging")
    assert predict_flowers("flowers@staging").error_code == "artifact-mismatch"


def test_a_previous_version_with_other_features_is_no_standby(versions, write_rows, predict_flowers):
    third = register_model(path=write_rows(more='[[input.features]]\nname = "new"\n'))
    damage_artifact(third)
    move_alias(version=third)
    prediction = predict_flowers(new=1)
    assert (prediction.error_code, prediction.model_version) == ("artifact-mismatch", third)


def test_callers_do_not_see_why_a_runtime_failed(versions, broken_folder, break_runtime, predict_flowers):
    register_model(path=broken_folder, trusted=True, promote=True)
    break_runtime()
    assert predict_flowers().model_version == versions[0]
    prediction = predict_flowers("flowers:3")
    assert (prediction.error_code, prediction.error_message) == ("model-unavailable", "flowers:3 cannot be loaded.")
    error = run_command("promote_model", "flowers", 3, "--alias", "other")[2]
    assert error.startswith("flowers:3 cannot be loaded. (")
    assert "secret" in error


def test_pages_show_which_version_serves_requests(versions, client, user):
    client.force_login(user)
    move_alias(version=versions[1])
    assert "Served by flowers:2" in get_text(client.get("/?model=flowers"))
    damage_artifact(versions[1])
    assert "Served by flowers:1" in get_text(client.get("/?model=flowers"))
    assert "Version 1 serves requests instead." in get_text(client.get("/models/flowers/"))


def test_the_settings_limit_the_number_of_loaded_models(versions, settings, predict_flowers):
    build_pool.cache_clear()
    settings.MAX_LOADED_MODELS = 1
    for number in (1, 2, 1):
        assert predict_flowers(f"flowers:{number}").model_version.number == number
        loaded = [get_pool().is_loaded(get_spec(version)) for version in versions]
        assert loaded == [number == 1, number == 2]
