"""When the version behind an alias cannot be loaded, the previous version of the alias serves the requests."""

import threading

import pytest

from core.tests.commands import run_command
from core.tests.pages import get_text
from inference.errors import ArtifactMismatch, ModelLoading, ModelUnavailable
from predictions.models import Input, Prediction
from predictions.services import predict
from predictions.tests.v2_requests import ROW, get_outputs, infer, make_row_inputs
from registry import serving
from registry.services import register_model
from registry.services.promote import move_alias
from registry.serving import build_pool, get_pool, get_spec
from registry.tests.factories import damage_artifact

pytestmark = pytest.mark.django_db
FEATURES = {"length": 4.0, "petals": 5}
BATCH_URL = "/api/v1/predictions/batch/"


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
    with pytest.raises(ArtifactMismatch):
        predict_flowers("flowers:2")
    assert not Prediction.objects.exists()


def test_an_alias_without_a_previous_version_has_no_standby(versions, predict_flowers):
    damage_artifact(versions[1])
    move_alias(version=versions[1], alias="staging")
    with pytest.raises(ArtifactMismatch):
        predict_flowers("flowers@staging")


def test_a_previous_version_with_other_features_is_no_standby(versions, write_rows, predict_flowers):
    third = register_model(path=write_rows(more='[[input.features]]\nname = "new"\n'))
    damage_artifact(third)
    move_alias(version=third)
    with pytest.raises(ArtifactMismatch, match="flowers:3"):
        predict_flowers(new=1)
    assert not Prediction.objects.exists()


def test_callers_do_not_see_why_a_runtime_failed(versions, broken_folder, break_runtime, predict_flowers):
    register_model(path=broken_folder, trusted=True, promote=True)
    break_runtime()
    assert predict_flowers().model_version == versions[0]
    with pytest.raises(ModelUnavailable, match=r"^flowers:3 cannot be loaded\.$"):
        predict_flowers("flowers:3")
    error = run_command("promote_model", "flowers", 3, "--alias", "other")[2]
    assert error.startswith("flowers:3 cannot be loaded. (")
    assert "secret" in error


@pytest.fixture
def slow_loads(settings, monkeypatch):
    """Let loads wait until the returned event is set, with a pool whose version 1 of flowers is loaded."""
    release, load = threading.Event(), get_pool()._load

    def load_slowly(spec):
        assert release.wait(30)
        return load(spec)

    monkeypatch.setattr(serving, "STANDBY_SECONDS", 0.05)
    monkeypatch.setattr(get_pool(), "_load", load_slowly)
    yield release
    release.set()


def test_the_previous_version_serves_while_the_promoted_one_is_loading(versions, predict_flowers, slow_loads, settings):
    slow_loads.set()
    predict_flowers("flowers:1")
    slow_loads.clear()
    settings.PREDICT_TIMEOUT = 0.3
    move_alias(version=versions[1])
    assert predict_flowers().model_version == versions[0]
    with pytest.raises(ModelLoading, match="flowers:2 is still loading"):
        predict_flowers("flowers:2")
    assert Prediction.objects.count() == 2
    slow_loads.set()
    get_pool().preload(get_spec(versions[1]))
    assert predict_flowers().model_version == versions[1]


def test_the_previous_version_serves_batches_unless_it_takes_other_inputs(
    versions, write_rows, predict_flowers, api, slow_loads, settings
):
    slow_loads.set()
    other = register_model(path=write_rows(more='[[input.features]]\nname = "new"\nrequired = false\n'))
    predict_flowers("flowers:1")
    slow_loads.clear()
    settings.PREDICT_TIMEOUT = 0.1
    move_alias(version=versions[1])
    content = {"model": "flowers", "features": [FEATURES] * 2}
    assert api.post(BATCH_URL, content, content_type="application/json").status_code == 200
    get_outputs(infer(api, "flowers", make_row_inputs(ROW)))
    assert list(Prediction.objects.values_list("model_version", flat=True)) == [versions[0].pk] * 4
    move_alias(version=other)
    assert api.post(BATCH_URL, content, content_type="application/json").json()["code"] == "model-loading"
    assert Prediction.objects.count() == 4


def test_an_earlier_version_serves_if_the_previous_one_is_not_loaded(versions, write_rows, predict_flowers, slow_loads):
    slow_loads.set()
    third = register_model(path=write_rows(factor=3))
    predict_flowers("flowers:1")
    slow_loads.clear()
    move_alias(version=versions[1])
    move_alias(version=third)
    assert predict_flowers().model_version == versions[0]


def test_a_version_that_loads_at_once_serves_from_its_promotion_on(versions, predict_flowers):
    assert predict_flowers().model_version == versions[0]
    move_alias(version=versions[1])
    assert predict_flowers().model_version == versions[1]


@pytest.mark.parametrize(
    ("path", "features", "headers"),
    [
        ("/api/v1/predictions/", FEATURES, {}),
        ("/api/v1/predictions/", FEATURES, {"Idempotency-Key": "k"}),  # not the direct view
        (BATCH_URL, [FEATURES] * 2, {}),
    ],
)
def test_nothing_is_stored_while_no_version_is_loaded(versions, api, slow_loads, settings, path, features, headers):
    settings.PREDICT_TIMEOUT = 0.1
    content = {"model": "flowers", "features": features}
    response = api.post(path, content, content_type="application/json", headers=headers)
    assert (response.status_code, response.json()["code"]) == (503, "model-loading")
    assert response["Retry-After"]
    assert not Prediction.objects.exists() and not Input.objects.exists()


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
