"""Predictions, inputs and errors of the API."""

import base64
import hashlib
import json

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core.tests.problems import assert_problem
from inference.tests.factories import make_image, make_noise_image
from predictions.models import Input, Prediction
from predictions.services import review_prediction
from predictions.tests.factories import PREDICTIONS_URL, make_prediction, make_upload

pytestmark = pytest.mark.django_db
KEYS = {
    *("id", "url", "status", "source", "model", "model_version", "input", "label", "labels", "confidence", "value"),
    *("output", "error", "client_reference", "timings", "created_at", "completed_at", "review", "warnings"),
    "tags",
}
INPUT_KEYS = {
    *("id", "kind", "url", "image_url", "sha256", "content_type", "width", "height", "original_name", "features", "text"),
    "data_removed_at",
}


def test_predicting_an_image_returns_the_stored_prediction(shades, api, user):
    data = make_noise_image(5)
    response = api.post(PREDICTIONS_URL, {"image": make_upload(data), "client_reference": "job-1"})
    body = response.json()
    assert response.status_code == 201
    assert response["Location"] == body["url"] == f"http://testserver{PREDICTIONS_URL}{body['id']}/"
    assert set(body) == KEYS
    assert set(body["input"]) == INPUT_KEYS
    assert (body["status"], body["source"], body["model"], body["model_version"]) == ("succeeded", "api", "shades", 1)
    assert set(body["output"]["scores"]) == {"black", "grey", "white"}
    assert (body["label"], body["confidence"]) == next(iter(body["output"]["scores"].items()))
    assert body["input"]["sha256"] == hashlib.sha256(data).hexdigest()
    assert body["input"]["content_type"] == "image/png"
    assert set(body["timings"]) == {"queue_ms", "preprocess_ms", "inference_ms", "decode_ms"}
    assert (body["error"], body["review"], body["value"]) == (None, None, None)
    row = Prediction.objects.get()
    assert (str(row.id), row.user, row.source) == (body["id"], user, "api")
    assert api.get(body["url"]).json() == body
    assert api.get(PREDICTIONS_URL).json()["results"] == [body]
    image = api.get(body["input"]["image_url"])
    assert image.content == data


def test_original_images_are_served_with_protective_headers(shades, api):
    body = api.post(
        PREDICTIONS_URL, {"image": make_upload(make_noise_image(1) + b"<script>alert(1)</script>", "x.html")}
    ).json()
    image = api.get(body["input"]["image_url"])
    assert image["Content-Type"] == "image/png"
    assert image["X-Content-Type-Options"] == "nosniff"
    assert image["Cache-Control"] == "private, no-store"
    assert image["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert image["Content-Disposition"] == f'inline; filename="{body["input"]["id"]}.png"'
    part = api.get(body["input"]["image_url"], headers={"range": "bytes=5-9", "accept": "image/png"})
    assert (part.status_code, part["Accept-Ranges"], part.content) == (200, "none", image.content)


def test_damaged_or_missing_files_are_never_served(shades, api):
    body = api.post(PREDICTIONS_URL, {"image": make_upload()}).json()
    row = Input.objects.get()
    with open(row.image.path, "r+b") as file:
        file.write(b"\0")
    assert_problem(api.get(body["input"]["image_url"]), 500, "stored-file-damaged")
    assert_problem(api.get(body["url"] + "?include=image"), 500, "stored-file-damaged")
    row.image.storage.delete(row.image.name)
    assert_problem(api.get(body["input"]["image_url"]), 500, "stored-file-missing")
    assert api.get(PREDICTIONS_URL).status_code == 200


def test_include_adds_the_image_as_a_data_url(shades, api):
    body = api.post(PREDICTIONS_URL, {"image": make_upload()}).json()
    included = api.get(body["url"], {"include": "image"}).json()["input"]["image"]
    assert included == "data:image/png;base64," + base64.b64encode(make_image(255)).decode()
    assert assert_problem(api.get(body["url"], {"include": "user"}), 400, "unknown-include")


def test_an_input_has_its_own_url(shades, api):
    body = api.post(PREDICTIONS_URL, {"image": make_upload()}).json()
    assert api.get(body["input"]["url"]).json() == body["input"]


def test_a_model_failure_is_a_problem_with_the_url_of_the_failed_prediction(register_failing, api):
    register_failing(nan=True)
    body = assert_problem(api.post(PREDICTIONS_URL, {"image": make_upload()}), 500, "model-output-invalid")
    prediction = api.get(body["prediction"]).json()
    assert prediction["status"] == "failed"
    assert prediction["error"]["code"] == "model-output-invalid"
    assert (prediction["output"], prediction["label"], prediction["confidence"]) == (None, None, None)


def test_models_are_listed_with_versions_and_aliases(shades, api):
    body = api.get("/api/v1/models/").json()["results"]
    assert len(body) == 1
    assert body[0]["aliases"] == {"production": 1}
    assert body[0]["versions"][0]["labels"] == ["black", "grey", "white"]
    assert api.get("/api/v1/models/shades/").json() == body[0]
    assert "artifact" not in json.dumps(body)
    assert_problem(api.get("/api/v1/models/nope/"), 404, "not-found")


@pytest.mark.parametrize(
    "path", ["predictions/x/", "predictions/-1/", "inputs/1%00/", "nothing/", "predictions/" + "9" * 5000 + "/"]
)
def test_unknown_urls_are_problems(api, path):
    assert_problem(api.get("/api/v1/" + path), 404, "not-found")


@pytest.mark.parametrize("method", ["put", "patch", "delete", "trace"])
def test_unsupported_methods_are_rejected(three, api, method):
    for url in (PREDICTIONS_URL, f"{PREDICTIONS_URL}{three[0].id}/"):
        assert_problem(getattr(api, method)(url), 405, "method-not-allowed")
    assert Prediction.objects.count() == 3


def test_a_method_override_is_ignored(three, api):
    response = api.get(f"{PREDICTIONS_URL}{three[0].id}/", headers={"x-http-method-override": "DELETE"})
    assert response.status_code == 200
    assert Prediction.objects.count() == 3


@pytest.mark.parametrize(
    ("accept", "status"), [("text/html", 406), ("a/b," * 5000, 406), ("*/*", 200), ("", 200), (" ", 200)]
)
def test_only_json_is_available(three, api, accept, status):
    response = api.get(PREDICTIONS_URL, headers={"accept": accept})
    assert response.status_code == status
    if status == 406:
        assert_problem(response, 406, "not-acceptable")


@pytest.mark.parametrize("accept", ["application/problem+json", "text/html, Application/Problem+JSON;q=0.5"])
def test_clients_that_accept_only_problems_can_use_operations_without_a_body(three, user, api, accept):
    url = f"{PREDICTIONS_URL}{three[0].id}/reviews/"
    review_prediction(prediction=three[0], reviewer=user, verdict="correct")
    assert api.delete(url, headers={"accept": accept}).status_code == 204
    assert_problem(api.delete(url, headers={"accept": accept}), 404, "not-found")


def test_an_unknown_host_is_a_problem(api):
    assert_problem(api.get(PREDICTIONS_URL, headers={"host": "evil.example"}), 400, "unknown-host")


def test_sessions_require_the_csrf_token(shades, user):
    session = Client(enforce_csrf_checks=True)
    session.force_login(user)
    assert_problem(session.post(PREDICTIONS_URL, {"image": make_upload()}), 403, "csrf-failed")
    assert not Input.objects.exists()


def test_an_unavailable_database_is_a_503_problem(shades, api):
    def fail_to_insert(execute, sql, *arguments):
        if "INSERT" in sql:
            raise OperationalError("gone")
        return execute(sql, *arguments)

    with connection.execute_wrapper(fail_to_insert):
        response = api.post(PREDICTIONS_URL, {"image": make_upload()})
    assert_problem(response, 503, "database-unavailable")
    assert response["Retry-After"]


def test_an_unexpected_error_is_a_problem_without_details(shades, api, monkeypatch):
    def fail(*arguments, **options):
        raise RuntimeError("/secret/path")

    monkeypatch.setattr("predictions.api.direct.predict", fail)
    api.raise_request_exception = False
    response = api.post(PREDICTIONS_URL, {"image": make_upload()})
    assert_problem(response, 500, "internal-error")
    assert b"secret" not in response.content


@pytest.mark.django_db(transaction=True)
def test_a_prediction_takes_a_fixed_number_of_queries(shades, user, api):
    api.post(PREDICTIONS_URL, {"image": make_upload()})  # updates the last use of the token and loads the model
    insert_count = 1 if connection.vendor == "postgresql" else 3
    with CaptureQueriesContext(connection) as captured:
        assert api.post(PREDICTIONS_URL, {"image": make_upload()}).status_code == 201
    statements = [query["sql"] for query in captured if not query["sql"].startswith(("BEGIN", "COMMIT"))]
    assert len(statements) == 1 + insert_count, statements
    session = Client()
    session.force_login(user)
    with CaptureQueriesContext(connection) as captured:
        assert session.post(PREDICTIONS_URL, {"image": make_upload()}).status_code == 201
    statements = [query["sql"] for query in captured if not query["sql"].startswith(("BEGIN", "COMMIT"))]
    assert len(statements) == 3 + insert_count, statements  # the session and its user are two queries


@pytest.mark.parametrize("count", [1, 20])
def test_the_number_of_queries_of_the_list_does_not_depend_on_the_number_of_rows(
    shades, user, api, count, django_assert_num_queries
):
    for _ in range(count):
        make_prediction(user)
    api.get(PREDICTIONS_URL)
    with django_assert_num_queries(5):  # the token with its user, the permissions, the rows, their reviews, their tags
        assert len(api.get(PREDICTIONS_URL).json()["results"]) == count


def test_throttling_returns_429_with_retry_after(shades, api, monkeypatch):
    from django.core.cache import cache
    from rest_framework.throttling import UserRateThrottle

    cache.clear()
    monkeypatch.setattr(UserRateThrottle, "THROTTLE_RATES", {"user": "2/minute"})
    assert [api.get(PREDICTIONS_URL).status_code for _ in range(2)] == [200, 200]
    response = api.get(PREDICTIONS_URL)
    problem = assert_problem(response, 429, "throttled")
    wait = f"You have sent too many requests. Send the next one in {response['Retry-After']} seconds."
    assert problem["detail"] == wait
    assert 0 < int(response["Retry-After"]) <= 61
