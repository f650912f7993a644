"""Authentication, URLs, limits, and failures of the Open Inference Protocol."""

import json

import pytest
from django.test import Client

from inference.errors import ModelFailed, Overloaded
from inference.tests.factories import make_image
from predictions.models import Input, Prediction
from predictions.tests.runtimes import SwitchedRuntime
from predictions.tests.v2_requests import (
    ROW,
    get_error,
    get_outputs,
    infer,
    make_image_input,
    make_row_inputs,
)
from registry.services import register_model
from registry.tests.factories import damage_artifact, set_runtime

pytestmark = pytest.mark.django_db
URL = "/v2/models/flowers/infer"


def test_a_token_is_required_except_for_the_state_of_the_server(flowers, user, client):
    for path in ("/v2", "/v2/health/live"):
        assert client.get(path).status_code == 200
    assert client.get("/v2").json() == {
        "name": "mlsite",
        "version": client.get("/healthz").content.decode().split()[-1],
        "extensions": ["binary_tensor_data"],
    }
    client.force_login(user)  # a session is not enough: the protocol has no CSRF token
    for path in ("flowers", "flowers/ready", "flowers/versions/1", "flowers/versions/1/ready", "nope"):
        response = client.get(f"/v2/models/{path}")
        assert "Authorization: Bearer" in get_error(response, 401)
        assert response["WWW-Authenticate"].startswith("Bearer")
    assert get_error(infer(client, "flowers", make_row_inputs(ROW)), 401)
    assert get_error(infer(Client(headers={"authorization": "Bearer x"}), "flowers", make_row_inputs(ROW)), 401)
    assert not Input.objects.exists()


def test_unknown_models_and_versions_are_not_found(flowers, api):
    for path, message in (
        ("nope", "No model named 'nope'"),
        ("flower", "Did you mean flowers?"),
        ("flowers@staging", "has no alias staging"),
        ("flowers/versions/2", "has no version 2"),
        ("flowers/versions/0", "Expected a model as name"),
        ("flowers/versions/x", "Expected /v2/models/{name}/versions/{number}"),
        ("flowers/versions/٣", "Expected /v2/models/{name}/versions/{number}"),
        ("flowers/versions/" + "9" * 5000, "Expected a model as name"),
        ("flowers@production/versions/1", "Expected /v2/models/{name}/versions/{number}"),
        ("%00", "Expected a model as name"),
        ("A" * 5000, "Expected a model as name"),
    ):
        assert message in get_error(api.get(f"/v2/models/{path}"), 404)
        assert message in get_error(infer(api, path, make_row_inputs(ROW)), 404)
        assert message in get_error(api.get(f"/v2/models/{path}/ready"), 404)


def test_other_urls_are_errors_of_the_protocol(api):
    for path in ("/v2/models", "/v2/x", "/v2/models/flowers/config", "/v2/repository/index", "/v2/"):
        assert get_error(api.get(path), 404)
        assert get_error(api.post(path, "{}", content_type="application/json"), 404)


def test_other_methods_are_not_allowed(flowers, api):
    for path in (URL, "/v2/models/flowers", "/v2", "/v2/health/ready"):
        assert get_error(api.delete(path), 405)
    assert get_error(api.get(URL), 405)
    assert get_error(api.post("/v2/health/live", "{}", content_type="application/json"), 405)


def test_inactive_models_are_refused(write_rows, api, reviewer, token_headers):
    register_model(path=write_rows(name="draft"))
    assert "draft" in get_error(infer(api, "draft/versions/1", make_row_inputs(ROW)), 409)
    assert get_outputs(infer(Client(headers=token_headers(reviewer)), "draft/versions/1", make_row_inputs(ROW)))


def test_the_request_rate_is_limited(flowers, api, monkeypatch):
    from rest_framework.throttling import UserRateThrottle

    monkeypatch.setattr(UserRateThrottle, "THROTTLE_RATES", {"user": "1/minute"})
    assert get_outputs(infer(api, "flowers", make_row_inputs(ROW)))
    response = infer(api, "flowers", make_row_inputs(ROW))
    assert "too many requests" in get_error(response, 429)
    assert int(response["Retry-After"]) > 0


def test_a_ready_model_can_be_loaded(flowers, api):
    assert api.get("/v2/models/flowers/ready").json() == {"name": "flowers", "ready": True}
    damage_artifact(flowers)
    response = api.get("/v2/models/flowers/versions/1/ready")
    assert "cannot be loaded" in get_error(response, 503)
    assert (response.json()["name"], response.json()["ready"]) == ("flowers", False)
    assert int(response["Retry-After"]) > 0
    error = get_error(infer(api, "flowers", make_row_inputs(ROW)), 409)
    assert "differs from the registered file" in error
    assert not Prediction.objects.exists()


def test_the_server_is_ready_if_readyz_is(client, db):
    for path in ("/v2/health/ready", "/readyz"):
        assert client.get(path).status_code == 200
    assert client.get("/v2/health/ready").json() == {"live": True, "ready": True}


def test_a_full_queue_and_a_failing_row(write_dummy, api):
    folder = write_dummy(name="switched")
    set_runtime(folder, "predictions.tests.runtimes.SwitchedRuntime")
    SwitchedRuntime.is_open.set()
    register_model(path=folder, promote=True, trusted=True)
    try:
        get_outputs(infer(api, "switched", [make_image_input(make_image(1))]))  # loads the model
        count = Input.objects.count()
        SwitchedRuntime.error = Overloaded("The queue is full.")
        response = infer(api, "switched", [make_image_input(make_image(1))])
        assert get_error(response, 503)
        assert response["Retry-After"]
        assert Input.objects.count() == count
        SwitchedRuntime.error = ModelFailed("switched:1 failed: OSError.")
        assert "switched:1 failed: OSError." in get_error(infer(api, "switched", [make_image_input(make_image(1))]), 500)
    finally:
        SwitchedRuntime.error = None


def test_an_internal_error_is_an_error_of_the_protocol(flowers, api, monkeypatch):
    monkeypatch.setattr("predictions.api.v2.views.PLATFORMS", None)
    api.raise_request_exception = False
    assert "internal error" in get_error(api.get("/v2/models/flowers"), 500)


def test_a_full_disk_is_an_error_of_the_protocol(shades, api, fill_disk):
    assert "no space left" in get_error(infer(api, "shades", [make_image_input(make_image(1))]), 507)
    assert not Input.objects.exists()


def test_a_repeated_request_gets_the_first_response(flowers, api):
    body = json.dumps({"inputs": make_row_inputs(ROW)})
    headers = {"idempotency-key": "order-7"}
    responses = [api.post(URL, body, content_type="application/json", headers=headers) for _ in range(2)]
    assert responses[0].content == responses[1].content
    assert responses[1]["Idempotent-Replayed"] == "true"
    assert Input.objects.count() == 1
    other = json.dumps({"inputs": make_row_inputs(ROW, ROW)})
    assert get_error(api.post(URL, other, content_type="application/json", headers=headers), 422)
    assert get_error(api.post(URL, body, content_type="application/json", headers={"idempotency-key": "é"}), 400)


@pytest.mark.parametrize("path", ["/v2", "/v2/health/live", "/v2/health/ready"])
def test_a_wrong_method_of_the_server_needs_no_csrf_token(path):
    response = Client(enforce_csrf_checks=True).post(path, "{}", content_type="application/json")
    assert (get_error(response, 405), response["Allow"]) == ("Expected a GET request. Received: POST.", "GET, HEAD")
