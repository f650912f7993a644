"""Idempotency-Key of batches and batch jobs."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import IdempotencyKey
from accounts.services.idempotency import Claim, KeyInUse
from core.tests.problems import assert_problem
from predictions.models import BatchJob, BatchJobImage, Prediction
from predictions.tests.batch_jobs import JOBS_URL, make_rows
from predictions.tests.factories import PREDICTIONS_URL, list_stored_files, make_upload
from predictions.tests.request_builders import ROW

pytestmark = pytest.mark.django_db
BATCH_URL = f"{PREDICTIONS_URL}batch/"
HEADERS = {"idempotency-key": "a"}


def assert_replayed(response, first):
    assert (response.status_code, response.content) == (first.status_code, first.content)
    assert response["Idempotent-Replayed"] == "true"
    assert response.get("Location") == first.get("Location")


def post_rows(api, rows):
    body = {"features": rows, "model": "flowers"}
    return api.post(BATCH_URL, json.dumps(body), "application/json", headers=HEADERS)


def post_table(api, text):
    form = {"file": SimpleUploadedFile("rows.csv", text.encode()), "model": "flowers"}
    return api.post(JOBS_URL, form, headers=HEADERS)


@pytest.fixture
def lose_claims(monkeypatch):
    """Let another request take each key over before the response is stored."""

    def lose(claim, response):
        raise KeyInUse

    monkeypatch.setattr(Claim, "complete", lose)


def test_a_batch_of_rows_is_stored_once(flowers, api):
    rows = [ROW, {**ROW, "petals": "x"}, ROW]
    first = post_rows(api, rows)
    assert first.status_code == 200
    assert_replayed(post_rows(api, rows), first)
    assert Prediction.objects.count() == 2
    assert_problem(post_rows(api, rows[:1]), 422, "idempotency-key-reused")


def test_a_batch_of_images_is_stored_once(shades, api, settings):
    first, second = (api.post(BATCH_URL, {"image": [make_upload(), make_upload()]}, headers=HEADERS) for _ in range(2))
    assert first.status_code == 200
    assert_replayed(second, first)
    assert Prediction.objects.count() == len(list_stored_files(settings)) == 2


def test_a_batch_that_has_lost_its_key_stores_nothing(shades, api, settings, lose_claims):
    response = api.post(BATCH_URL, {"image": [make_upload(), make_upload()]}, headers=HEADERS)
    assert_problem(response, 409, "idempotency-key-in-use")
    assert not Prediction.objects.exists()
    assert not list_stored_files(settings)


def test_a_batch_job_is_created_once(flowers, api, settings):
    first = post_table(api, make_rows(3))
    assert first.status_code == 201
    assert_replayed(post_table(api, make_rows(3)), first)
    assert BatchJob.objects.count() == len(list_stored_files(settings)) == 1
    assert_problem(post_table(api, make_rows(4)), 422, "idempotency-key-reused")


def test_an_invalid_table_does_not_use_up_the_key(flowers, api):
    assert_problem(post_table(api, "length\n1\n"), 400, "missing-columns")
    assert not IdempotencyKey.objects.exists()
    assert post_table(api, make_rows(3)).status_code == 201


def test_a_batch_job_that_has_lost_its_key_is_not_created(flowers, api, lose_claims):
    assert_problem(post_table(api, make_rows(3)), 409, "idempotency-key-in-use")
    assert not BatchJob.objects.exists()


def test_images_are_added_once(shades, api, settings):
    job = api.post(JOBS_URL, {"kind": "images", "model": "shades"}).json()
    form = {"images": [make_upload(), make_upload(name="b.png")]}
    first = api.post(f"{job['url']}images/", form, headers=HEADERS)
    assert first.status_code == 201
    for file in form["images"]:
        file.seek(0)
    assert_replayed(api.post(f"{job['url']}images/", form, headers=HEADERS), first)
    assert BatchJobImage.objects.count() == len(list_stored_files(settings)) == 2
