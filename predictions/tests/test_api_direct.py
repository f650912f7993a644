"""Plainly correct create requests are handled directly, exactly as the viewset handles them."""

import json
import re

import pytest
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.utils import timezone
from rest_framework.throttling import UserRateThrottle

from accounts.models import ApiToken
from core.tests.problems import assert_problem
from predictions.api import direct
from predictions.models import Input, Prediction
from predictions.tests.create_requests import CREATE_REQUESTS
from predictions.tests.factories import PREDICTIONS_URL, make_upload
from predictions.tests.request_builders import ROW

pytestmark = pytest.mark.django_db

UUID = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
CHANGING_VALUES = re.compile(rb'("(?:created_at|completed_at|queue_ms|preprocess_ms|decode_ms|inference_ms)":)[^,}]+')
CHANGING_COLUMNS = {
    *("id", "input_id", "image", "created_at", "started_at", "completed_at"),
    *("queue_ms", "preprocess_ms", "decode_ms", "inference_ms"),
}


@pytest.fixture
def models(shades, flowers, reviews, register_failing):
    register_failing(nan=True)


@pytest.fixture
def direct_responses(monkeypatch):
    """Return a list that collects what `create_directly` returns."""
    responses = []
    create = direct.create_directly

    def record(request):
        responses.append(create(request))
        return responses[-1]

    monkeypatch.setattr(direct, "create_directly", record)
    return responses


def send(api, request):
    return api.generic("POST", request.url, request.body, request.content_type, headers=request.headers)


def describe(response):
    """Return the parts of a response that do not change when the same request is sent again."""
    body = CHANGING_VALUES.sub(rb"\1", UUID.sub(b"id", response.content))
    headers = {name: UUID.sub(b"id", value.encode()) for name, value in response.items()}
    del headers["X-Request-ID"]
    headers.pop("Content-Length", None)  # timings have a varying number of digits
    return response.status_code, headers, body


def list_rows():
    """Return the values of all stored rows that do not change when the same request is sent again."""
    columns = [field.attname for field in Prediction._meta.fields if field.attname not in CHANGING_COLUMNS]
    input_columns = [f"input__{field.attname}" for field in Input._meta.fields if field.attname not in CHANGING_COLUMNS]
    return list(Prediction.objects.order_by("id").values(*columns, *input_columns))


def test_there_are_enough_requests_to_compare():
    assert len({request.name for request in CREATE_REQUESTS}) == len(CREATE_REQUESTS) > 100


@pytest.mark.parametrize("part", range(4))
def test_all_responses_are_those_of_the_viewset(models, api, part, direct_responses, monkeypatch):
    requests = CREATE_REQUESTS[part::4]
    responses = [(describe(send(api, request)), bool(direct_responses and direct_responses[-1])) for request in requests]
    rows = list_rows()
    Prediction.objects.all().delete()
    monkeypatch.setattr(direct, "create_directly", lambda request: None)
    for request, (response, is_direct) in zip(requests, responses, strict=True):
        assert response == describe(send(api, request)), request.name
        assert is_direct == request.is_direct, request.name
    assert list_rows() == rows


@pytest.mark.parametrize(
    "change",
    [
        {"revoked_at": timezone.now()},
        {"expires_at": timezone.now() - timezone.timedelta(seconds=1)},
        {"digest": "0" * 64},
    ],
    ids=["revoked", "expired", "unknown"],
)
def test_a_token_is_checked_on_each_request(flowers, api, change):
    body = json.dumps({"features": ROW, "model": "flowers"})
    assert api.post(PREDICTIONS_URL, body, "application/json").status_code == 201
    ApiToken.objects.update(**change)
    assert_problem(api.post(PREDICTIONS_URL, body, "application/json"), 401, "invalid-token")
    assert Prediction.objects.count() == 1


def test_an_inactive_user_is_rejected_at_once(flowers, api, user):
    user.groups.add(Group.objects.first())
    body = json.dumps({"features": ROW, "model": "flowers"})
    assert api.post(PREDICTIONS_URL, body, "application/json").status_code == 201
    user.is_active = False
    user.save()
    assert_problem(api.post(PREDICTIONS_URL, body, "application/json"), 401, "invalid-token")


def test_direct_requests_are_throttled(flowers, api, monkeypatch):
    cache.clear()
    monkeypatch.setattr(UserRateThrottle, "THROTTLE_RATES", {"user": "2/minute"})
    body = json.dumps({"features": ROW, "model": "flowers"})
    statuses = [api.post(PREDICTIONS_URL, body, "application/json").status_code for _ in range(3)]
    assert statuses == [201, 201, 429]


def test_urls_repeat_the_format_that_the_request_names(shades, api):
    body = api.post(f"{PREDICTIONS_URL}?format=json", {"image": make_upload()}).json()
    urls = [body["url"], body["input"]["url"], body["input"]["image_url"]]
    assert all(url.endswith("/?format=json") for url in urls), urls
    assert api.get(body["url"]).json() == body
    assert api.get(f"{PREDICTIONS_URL}?format=json").json()["results"] == [body]


def test_a_created_prediction_is_indented_on_request(shades, api):
    headers = {"accept": "application/json; indent=4"}
    assert b'{\n    "id"' in api.post(PREDICTIONS_URL, {"image": make_upload()}, headers=headers).content
