"""/readyz reports damaged and failing models, and is ready while at least one model works."""

import pytest

from inference.errors import ArtifactMismatch, ModelUnavailable
from mlsite.health import first_load_finished
from registry.models import AliasChange
from registry.services import register_model
from registry.services.promote import move_alias
from registry.serving import get_pool, get_spec
from registry.tests.factories import damage_artifact

pytestmark = pytest.mark.django_db


def load(version):
    get_pool().preload(get_spec(version))


def test_a_damaged_artifact_is_reported_and_the_process_stays_ready(versions, client):
    load(versions[0])
    assert client.get("/readyz").json()["problems"] == {}
    damage_artifact(versions[0])
    response = client.get("/readyz")
    assert (response.status_code, response.json()["problems"]) == (200, {"flowers:1": "artifact-mismatch"})


def test_the_process_stays_ready_while_a_promoted_version_loads(versions, client):
    load(versions[0])
    assert client.get("/readyz").status_code == 200
    move_alias(version=versions[1])
    response = client.get("/readyz")
    assert (response.status_code, response.json()["models"]) == (200, {"loaded": 0, "served": 1})


def test_the_process_is_degraded_with_a_standby_and_failing_without(versions, client):
    load(versions[0])
    assert client.get("/readyz").status_code == 200
    move_alias(version=versions[1])
    damage_artifact(versions[1])
    with pytest.raises(ArtifactMismatch):
        load(versions[1])
    response = client.get("/readyz")
    assert (response.status_code, response.json()["status"]) == (200, "degraded")
    assert response.json()["problems"] == {"flowers:2": "artifact-mismatch"}
    AliasChange.objects.all().delete()  # no standby without a history
    response = client.get("/readyz")
    assert (response.status_code, response.json()["status"]) == (503, "failing")


def test_one_failing_model_does_not_affect_the_others(versions, shades, client):
    damage_artifact(versions[0])
    with pytest.raises(ArtifactMismatch):
        load(versions[0])
    load(shades)
    first_load_finished.set()
    response = client.get("/readyz")
    assert (response.status_code, response.json()["status"]) == (200, "degraded")
    assert response.json()["problems"] == {"flowers:1": "artifact-mismatch"}


def test_a_runtime_that_fails_to_load_is_reported(broken_folder, break_runtime, client):
    version = register_model(path=broken_folder, trusted=True, promote=True)
    break_runtime()
    with pytest.raises(ModelUnavailable):
        load(version)
    assert client.get("/readyz").json()["problems"] == {"flowers:1": "model-unavailable"}
