"""Decoding through all entry points: bombs are rejected, valid images are not affected, and the time is stored."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from core.tests.problems import assert_problem
from inference.preprocessing.slots import limit_decodes
from inference.tests.bombs import make_scans
from inference.tests.factories import make_image
from predictions.models import Prediction
from predictions.tests.factories import PREDICTIONS_URL
from predictions.tests.queued import queue_image, run
from predictions.tests.v2_requests import infer, make_image_input

pytestmark = pytest.mark.django_db


def make_upload(data, name="bomb.jpg"):
    return SimpleUploadedFile(name, data, content_type="image/jpeg")


@pytest.fixture(scope="module")
def bomb():
    return make_scans(1500, (640, 480))


@pytest.fixture
def no_wait(monkeypatch, settings):
    monkeypatch.setattr("inference.preprocessing.slots.OWNER_WAIT_SECONDS", 0.01)
    settings.MAX_DECODES_PER_USER = 1


def test_a_bomb_stores_nothing_and_gets_advice(shades, api, bomb):
    response = api.post(PREDICTIONS_URL, {"image": make_upload(bomb)})
    assert "save it again" in assert_problem(response, 400, "too-complex")["detail"]
    response = api.post(f"{PREDICTIONS_URL}?model=shades", bomb, content_type="image/jpeg")
    assert_problem(response, 400, "too-complex")
    assert not Prediction.objects.exists()


def test_bombs_in_a_batch_do_not_affect_the_other_images(shades, api, bomb):
    images = [make_upload(data) for data in (bomb, make_image(0), bomb, bomb, make_image(255), bomb)]
    results = api.post(f"{PREDICTIONS_URL}batch/", {"image": images, "model": "shades"}).json()["results"]
    codes = [result["error"] and result["error"]["code"] for result in results]
    assert codes == ["too-complex", None, "too-complex", "too-complex", None, "too-complex"]


def test_the_page_rejects_a_bomb(shades, client, user, bomb):
    client.force_login(user)
    response = client.post(reverse("predictions:predict"), {"model": "shades", "image": [make_upload(bomb)]})
    assert response.status_code == 400
    assert "too many scans" in response.content.decode()


def test_each_request_with_several_images_has_a_total_time(shades, api, signed_in, monkeypatch):
    monkeypatch.setattr("predictions.services.decoding.MAX_REQUEST_DECODE_SECONDS", 0.0)
    forms = [{"model": "shades", "image": [make_upload(make_image())]} for _ in range(2)]
    responses = [
        api.post(f"{PREDICTIONS_URL}batch/", forms[0]),
        infer(api, "shades", [make_image_input(make_image())]),
        signed_in.post(reverse("predictions:predict"), forms[1]),
    ]
    assert all("in another request" in response.content.decode() for response in responses)
    assert not Prediction.objects.exists()


def test_a_user_who_decodes_too_many_large_images_gets_429(shades, api, user, no_wait):
    large = make_image(size=(1200, 1000))
    with limit_decodes(user.pk, 1):
        response = api.post(PREDICTIONS_URL, {"image": make_upload(large)})
        assert_problem(response, 429, "too-many-decodes")
        assert response["Retry-After"] == "1"
        assert api.post(PREDICTIONS_URL, {"image": make_upload(make_image())}).status_code == 201
    assert api.post(PREDICTIONS_URL, {"image": make_upload(large)}).status_code == 201


def test_the_time_for_decoding_is_stored_for_images_only(shades, flowers, api):
    body = api.post(PREDICTIONS_URL, {"image": make_upload(make_image()), "model": "shades"}).json()
    assert 0 < body["timings"]["decode_ms"] == Prediction.objects.get(pk=body["id"]).decode_ms
    batch = api.post(f"{PREDICTIONS_URL}batch/", {"image": [make_upload(make_image())], "model": "shades"}).json()
    assert batch["results"][0]["prediction"]["timings"]["decode_ms"] > 0
    row = json.dumps({"model": "flowers", "features": {"length": 4.5, "petals": 5, "colour": "white", "wild": False}})
    response = api.post(PREDICTIONS_URL, row, content_type="application/json")
    assert response.json()["timings"]["decode_ms"] is None


def test_a_queued_prediction_gets_the_time_for_decoding_when_it_runs(shades, user):
    assert run(queue_image(user)).decode_ms > 0
