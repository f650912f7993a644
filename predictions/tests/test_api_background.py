"""Predictions in the background through the API: Prefer, polling, expires_in, and cancel."""

import threading
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone
from rest_framework.test import APIClient

import core.tasks
from core.tests.problems import assert_problem
from core.tests.waiting import wait_until
from inference.tests.factories import make_image
from predictions.api import background
from predictions.models import Input, Prediction, QueuedPrediction
from predictions.services.background import expire_queued, run_queued_prediction
from predictions.tests.factories import PREDICTIONS_URL, make_prediction, make_upload
from predictions.tests.runtimes import SwitchedRuntime

pytestmark = pytest.mark.django_db
ASYNC = {"HTTP_PREFER": "respond-async"}
ROW = {"petals": 5, "length": 4, "colour": "white"}


@pytest.fixture(autouse=True)
def _no_worker(monkeypatch):
    """Let no worker run. Tests run the predictions themselves."""
    monkeypatch.setattr(core.tasks, "_enqueue", lambda name, row_id: None)


def submit(api, prefer="respond-async", **data):
    return api.post(PREDICTIONS_URL, {"image": make_upload()} | data, HTTP_PREFER=prefer)


def run(response):
    run_queued_prediction(response.json()["id"])


def test_a_queued_prediction_is_accepted_and_can_be_polled(shades, api, user):
    response = submit(api, client_reference="job-7")
    body = response.json()
    assert response.status_code == 202 and response["Preference-Applied"] == "respond-async"
    assert response["Location"] == body["url"] and response["Retry-After"] == "1"
    assert (body["status"], body["output"], body["label"], body["error"]) == ("queued", None, None, None)
    assert (body["completed_at"], body["client_reference"], body["source"]) == (None, "job-7", "api")
    polled = api.get(response["Location"])
    assert polled.json() == body and polled["Retry-After"] == "1"
    assert api.head(response["Location"])["Retry-After"] == "1"
    run(response)
    final = api.get(response["Location"])
    assert final.json()["status"] == "succeeded" and final.json()["label"] == "white" and "Retry-After" not in final
    direct = api.post(PREDICTIONS_URL, {"image": make_upload()}).json()
    assert {**final.json(), "output": None}.keys() == direct.keys() and final.json()["output"] == direct["output"]


def test_rows_and_texts_are_accepted(flowers, reviews, api):
    for data in ({"features": ROW, "model": "flowers"}, {"text": "Good", "model": "reviews"}):
        assert api.post(PREDICTIONS_URL, data, content_type="application/json", **ASYNC).status_code == 202
    assert set(Prediction.objects.values_list("status", flat=True)) == {"queued"}


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        ({"image": make_upload(b"text")}, 400, "invalid-image"),
        ({"image": make_upload(), "model": "nope"}, 404, "unknown-model"),
        ({"image": make_upload(), "model": "flowers"}, 400, "wrong-input"),
        ({"image": make_upload(), "expires_in": "0"}, 400, "min-value"),
        ({"image": make_upload(), "expires_in": "-5"}, 400, "min-value"),
        ({"image": make_upload(), "expires_in": "99999999999999999999"}, 400, "max-value"),
        ({"image": make_upload(), "expires_in": "1.5"}, 400, "invalid"),
        ({"image": make_upload(), "expires_in": "soon"}, 400, "invalid"),
        ({}, 400, "required"),
    ],
)
def test_bad_requests_fail_at_once_and_nothing_is_stored(shades, flowers, api, data, status, code):
    assert_problem(api.post(PREDICTIONS_URL, data, **ASYNC), status, code)
    assert not Input.objects.exists()


@pytest.mark.parametrize("expires_in", [True, None, [], 1e400, "1e9"])
def test_expires_in_must_be_a_number_of_seconds(flowers, api, expires_in):
    text = str(expires_in).replace("inf", "1e400").replace("True", "true").replace("None", "null").replace("1e9", '"1e9"')
    body = f'{{"features": {{"petals": 5, "length": 4}}, "model": "flowers", "expires_in": {text}}}'
    response = api.post(PREDICTIONS_URL, body, content_type="application/json", **ASYNC)
    assert_problem(response, 400, response.json()["code"])
    assert not Input.objects.exists()


@pytest.mark.parametrize("prefer", ["", "return=minimal", "wait=x", "wait=-1"])
def test_without_a_known_preference_the_model_runs_at_once(shades, api, prefer):
    response = submit(api, prefer)
    assert response.status_code == 201 and "Preference-Applied" not in response
    assert_problem(submit(api, prefer, expires_in=5), 400, "needs-respond-async")


def test_unknown_preferences_are_ignored(shades, api):
    response = submit(api, 'return=minimal; foo="a, b", RESPOND-ASYNC, handling=strict')
    assert response.status_code == 202 and response["Preference-Applied"] == "respond-async"


@pytest.mark.parametrize("prefer", ["respond-async, wait=30", "wait=30"])
def test_waiting_ends_with_the_result(shades, api, monkeypatch, prefer, settings):
    settings.MAX_PREFER_WAIT = 20
    monkeypatch.setattr(core.tasks, "_enqueue", lambda name, row_id: run_queued_prediction(row_id))
    monkeypatch.setattr("django.db.transaction.on_commit", lambda function, **options: function())
    response = submit(api, prefer)
    assert response.status_code == 201 and response.json()["status"] == "succeeded"
    assert response["Location"] == response.json()["url"] and "Retry-After" not in response
    assert response["Preference-Applied"] == prefer.replace("30", "20")


def test_waiting_for_a_failing_model_ends_with_its_problem(register_failing, api, monkeypatch):
    register_failing(nan=True)
    monkeypatch.setattr(core.tasks, "_enqueue", lambda name, row_id: run_queued_prediction(row_id))
    monkeypatch.setattr("django.db.transaction.on_commit", lambda function, **options: function())
    response = submit(api, "wait=20", model="failing")
    problem = assert_problem(response, 500, "model-output-invalid")
    assert problem["prediction"].endswith(f"{Prediction.objects.get().pk}/")
    assert response["Preference-Applied"] == "wait=10"


def test_waiting_ends_with_the_time(shades, api):
    response = submit(api, "respond-async, wait=1")
    assert response.status_code == 202 and response["Preference-Applied"] == "respond-async, wait=1"
    assert response.json()["status"] == "queued"


def test_a_request_does_not_wait_if_too_many_wait(shades, api, monkeypatch):
    monkeypatch.setattr(background, "_waiting", threading.BoundedSemaphore(1))
    with background._waiting:
        responses = [submit(api, "respond-async, wait=10"), submit(api, "wait=10")]
    assert [response.status_code for response in responses] == [202, 202]
    assert [response["Preference-Applied"] for response in responses] == ["respond-async", "wait=0"]


def test_a_repeated_request_with_a_key_gets_the_first_response(shades, api):
    responses = [api.post(PREDICTIONS_URL, {"image": make_upload()}, HTTP_IDEMPOTENCY_KEY="a", **ASYNC) for _ in range(2)]
    assert [response.status_code for response in responses] == [202, 202]
    assert responses[0].json() == responses[1].json() and Prediction.objects.count() == 1
    assert responses[1]["Location"] == responses[0]["Location"]


@pytest.mark.django_db(transaction=True)
def test_a_prediction_runs_in_this_process_without_a_broker(switched, api, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(SwitchedRuntime, "is_open", threading.Event())
    response = submit(api)
    assert response.status_code == 202
    wait_until(lambda: api.get(response["Location"]).json()["status"] == "running")
    assert api.get(response["Location"])["Retry-After"] == "1"
    SwitchedRuntime.is_open.set()
    wait_until(lambda: api.get(response["Location"]).json()["status"] == "succeeded")


def test_an_expired_prediction_has_an_error(shades, api):
    response = submit(api, expires_in=30)
    expire_queued(now=timezone.now() + timedelta(seconds=31))
    body = api.get(response["Location"]).json()
    assert (body["status"], body["error"]["code"]) == ("failed", "deadline-exceeded") and body["completed_at"]


def test_canceling(shades, api):
    response = submit(api)
    url = f"{response['Location']}cancel/"
    assert_problem(api.post(f"{url}?include=image"), 400, "unknown-include")
    canceled = api.post(url)
    assert canceled.status_code == 200 and canceled.json()["status"] == "canceled" and canceled.json()["completed_at"]
    run(response)
    assert api.get(response["Location"]).json()["status"] == "canceled" and not QueuedPrediction.objects.exists()
    assert_problem(api.post(url), 409, "already-final")
    assert api.get(url).status_code == 405


def test_only_the_owner_and_users_with_the_permission_can_cancel(shades, user, other, reviewer):
    owner, third, viewer = (APIClient() for _ in range(3))
    for client, account in ((owner, user), (third, other), (viewer, reviewer)):
        client.force_authenticate(account)
    queued = owner.post(PREDICTIONS_URL, {"image": make_upload()}, format="multipart", **ASYNC)
    url = f"{queued['Location']}cancel/"
    assert_problem(third.post(url), 404, "not-found")
    assert_problem(viewer.post(url), 403, "permission-denied")
    assert_problem(APIClient().post(url), 401, "not-authenticated")
    assert Prediction.objects.get().status == "queued"
    reviewer.user_permissions.add(Permission.objects.get(codename="change_prediction"))
    viewer.force_authenticate(type(reviewer).objects.get(pk=reviewer.pk))
    assert viewer.post(url).json()["status"] == "canceled"


def test_lists_exports_and_filters_contain_queued_predictions(shades, api, user):
    make_prediction(user, make_image(1))
    queued = submit(api).json()["id"]
    rows = api.get(PREDICTIONS_URL).json()["results"]
    assert [row["status"] for row in rows] == ["queued", "succeeded"]
    assert [row["id"] for row in api.get(f"{PREDICTIONS_URL}?status=queued").json()["results"]] == [queued]
    assert api.get(f"{PREDICTIONS_URL}?status=running").json()["results"] == []
    for name in ("csv", "jsonl"):
        text = b"".join(api.get(f"{PREDICTIONS_URL}export/?format={name}").streaming_content).decode()
        assert queued in text and "queued" in text
    review = api.post(f"{PREDICTIONS_URL}{queued}/reviews/", {"verdict": "correct"}, content_type="application/json")
    assert_problem(review, 409, "not-reviewable")
