"""Idempotency-Key: a repeated request gets the first response, and nothing is stored again."""

import json

import pytest

from predictions.models import Input, Prediction
from predictions.tests.create_requests import ROW
from predictions.tests.factories import PREDICTIONS_URL, make_upload

pytestmark = pytest.mark.django_db
KEY = "5e7c0a4e-6f1b-4b5e-9d4e-1d7f4b0f6a0e"


def post(api, body=None, key=KEY, url=PREDICTIONS_URL, **headers):
    """Send a row of features as JSON, or a form if the body contains a file."""
    body = {"features": ROW, "model": "flowers"} if body is None else body
    headers = {**headers} if key is None else {"idempotency-key": key, **headers}
    return api.post(url, json.dumps(body), "application/json", headers=headers)


def post_image(api, image=None, key=KEY, boundary=None, **fields):
    return api.post(PREDICTIONS_URL, {"image": image or make_upload(), **fields}, headers={"idempotency-key": key})


def assert_replayed(response, first):
    assert (response.status_code, response.content) == (first.status_code, first.content)
    headers = {name: value for name, value in response.items() if name != "X-Request-ID"}
    assert headers.pop("Idempotent-Replayed") == "true"
    assert headers == {name: value for name, value in first.items() if name != "X-Request-ID"}


def test_a_repeated_request_gets_the_first_response(flowers, api):
    first = post(api)
    assert first.status_code == 201
    assert "Idempotent-Replayed" not in first
    for _ in range(3):
        assert_replayed(post(api), first)
    assert (Prediction.objects.count(), Input.objects.count()) == (1, 1)
    assert api.get(first["Location"]).content == first.content


def test_the_response_is_that_of_a_request_without_a_key(flowers, api):
    with_key, without = post(api), post(api, key=None)
    assert {*with_key.items()} - {*without.items()} == {
        (name, with_key[name])
        for name in ("Location", "Content-Length", "X-Request-ID")
        if with_key.get(name) != without.get(name)
    }
    assert with_key.json().keys() == without.json().keys()
    assert Prediction.objects.count() == 2
