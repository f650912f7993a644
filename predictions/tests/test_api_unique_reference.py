"""`?unique_reference=true`: a user has at most one prediction with a client reference."""

import json

import pytest
from django.test import Client

import core.tasks
from accounts.models import IdempotencyKey
from core.tests.problems import assert_problem
from predictions.api import views
from predictions.models import Input, Prediction
from predictions.services import predict
from predictions.tests.factories import PREDICTIONS_URL, list_stored_files, make_prediction, make_upload
from predictions.tests.request_builders import ROW

pytestmark = pytest.mark.django_db
URL = f"{PREDICTIONS_URL}?unique_reference=true"


def post(api, reference="scan-42", url=URL, row=ROW, **headers):
    body = {"features": row, "model": "flowers", "client_reference": reference}
    return api.post(url, json.dumps(body), "application/json", headers=headers)


def test_the_existing_prediction_is_returned(flowers, api):
    first = post(api)
    assert first.status_code == 201
    second = post(api, row={**ROW, "petals": 6})
    assert (second.status_code, second.content, second["Location"]) == (200, first.content, first["Location"])
    assert (Prediction.objects.count(), Input.objects.count()) == (1, 1)
    assert post(api, "scan-43").status_code == 201


def test_the_oldest_of_several_predictions_is_returned(flowers, api):
    first, *_ = [post(api, url=PREDICTIONS_URL) for _ in range(3)]
    assert [post(api).json()["id"] for _ in range(2)] == [first.json()["id"]] * 2
    assert Prediction.objects.count() == 3
    assert post(api, url=f"{PREDICTIONS_URL}?unique_reference=false").status_code == 201


def test_a_failed_prediction_is_returned_too(register_failing, api, user):
    register_failing(nan=True)
    failed = make_prediction(user, model="failing", client_reference="a")
    response = api.post(URL, {"image": make_upload(), "model": "failing", "client_reference": "a"})
    assert (response.status_code, response.json()["id"]) == (200, str(failed.pk))
    assert response.json()["status"] == "failed"


def test_a_prediction_in_the_background_has_a_unique_reference_too(flowers, api, monkeypatch):
    monkeypatch.setattr(core.tasks, "_enqueue", lambda name, row_id: None)
    responses = [post(api, prefer="respond-async", **{"idempotency-key": key}) for key in "aab"]
    assert [response.status_code for response in responses] == [202, 202, 200]
    assert len({response.json()["id"] for response in responses}) == 1
    assert Prediction.objects.count() == Input.objects.count() == 1
    assert_problem(post(api, "", prefer="wait=1"), 400, "required")


def test_the_predictions_of_other_users_do_not_count(flowers, api, other, token_headers):
    first, second = post(api), post(Client(headers=token_headers(other)))
    assert (first.status_code, second.status_code) == (201, 201)


@pytest.mark.parametrize("reference", ["", " "])
def test_a_reference_is_required(flowers, api, reference):
    body = assert_problem(post(api, reference), 400, "required")
    assert body["errors"][0]["field"] == "client_reference"
    assert not Prediction.objects.exists()


@pytest.mark.parametrize("value", ["", "1", "True", "yes", "\0", "x" * 5000])
def test_the_parameter_is_true_or_false(flowers, api, value):
    url = f"{PREDICTIONS_URL}?{'unique_reference='}{value}".replace("\0", "%00")
    assert_problem(post(api, url=url), 400, "invalid-choice")
    assert not Prediction.objects.exists()


def test_a_reference_that_is_taken_while_the_model_runs(shades, api, user, settings, monkeypatch):
    """The other prediction is stored after the first look-up. Nothing of this request is stored."""
    others = []

    def predict_after_other(**arguments):
        others.append(make_prediction(user, client_reference="a"))
        return predict(**arguments)

    monkeypatch.setattr(views, "predict", predict_after_other)
    response = api.post(URL, {"image": make_upload(), "client_reference": "a"})
    assert (response.status_code, response.json()["id"]) == (200, str(others[0].pk))
    assert Prediction.objects.count() == Input.objects.count() == len(list_stored_files(settings)) == 1


def test_an_idempotency_key_keeps_the_status(flowers, api):
    first, second = post(api, **{"idempotency-key": "a"}), post(api, **{"idempotency-key": "b"})
    assert (first.status_code, second.status_code) == (201, 200)
    assert [post(api, **{"idempotency-key": key}).status_code for key in "ab"] == [201, 200]
    assert post(api, **{"idempotency-key": "b"})["Idempotent-Replayed"] == "true"
    assert IdempotencyKey.objects.exclude(status_code=None).count() == 2
