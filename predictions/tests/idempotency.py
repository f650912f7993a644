"""Requests with an idempotency key, for tests."""

import json

from accounts.models import IdempotencyKey
from predictions.tests.factories import PREDICTIONS_URL, make_upload
from predictions.tests.request_builders import ROW

KEY = "5e7c0a4e-6f1b-4b5e-9d4e-1d7f4b0f6a0e"
GROUND_TRUTH_URL = "/api/v1/ground-truth/"
FLOWER = {"features": ROW, "model": "flowers"}


def post(api, body=FLOWER, key=KEY, url=PREDICTIONS_URL, **headers):
    if key is not None:
        headers = {"idempotency-key": key, **headers}
    return api.post(url, json.dumps(body), "application/json", headers=headers)


def post_image(api, data=None, key=KEY, name="seven.png", **fields):
    form = {"image": make_upload(data, name), **fields}
    return api.post(PREDICTIONS_URL, form, headers={"idempotency-key": key})


def assert_replayed(response, first):
    assert (response.status_code, response.content) == (first.status_code, first.content)
    headers, expected = ({**each.headers} for each in (response, first))
    for each in (headers, expected):
        del each["X-Request-ID"]
    assert headers.pop("Idempotent-Replayed") == "true"
    assert headers == expected


def edit_key(**fields):
    IdempotencyKey.objects.update(**fields)
