"""Idempotency-Key: a repeated request gets the first response, and nothing is stored again."""

import json
import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.exceptions import ValidationError

from core.tests.problems import assert_problem
from inference.errors import Overloaded
from inference.predictor import Predictor
from inference.tests.factories import make_image, make_noise_image
from predictions.api import idempotency
from predictions.api.idempotency import parse_key
from predictions.models import IdempotencyKey, Input, Prediction, Review
from predictions.services.idempotency import LEASE_SECONDS, delete_expired_keys
from predictions.tests.create_requests import ROW
from predictions.tests.factories import PREDICTIONS_URL, list_stored_files, make_prediction, make_upload

pytestmark = pytest.mark.django_db
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


def test_a_repeated_request_gets_the_first_response(flowers, api):
    first = post(api)
    assert first.status_code == 201
    assert "Idempotent-Replayed" not in first
    for _ in range(3):
        assert_replayed(post(api), first)
    assert (Prediction.objects.count(), Input.objects.count()) == (1, 1)
    assert api.get(first["Location"]).content == first.content


def test_requests_without_a_key_are_all_stored(flowers, api):
    with_key, without = post(api), post(api, key=None)
    assert {**with_key.headers}.keys() == {**without.headers}.keys()
    assert with_key.json().keys() == without.json().keys()
    assert post(api, key=None).status_code == 201
    assert Prediction.objects.count() == 3
    assert IdempotencyKey.objects.count() == 1


def test_the_first_response_is_repeated_whatever_the_client_accepts(flowers, api):
    first = post(api, accept="application/json; indent=4")
    assert b'{\n    "id"' in first.content
    assert post(api).content == first.content


def test_an_image_is_stored_once_although_each_attempt_has_its_own_boundary(shades, api, settings):
    """The order of the parts does not matter either."""

    def send(boundary, *, is_reversed=False):
        image = b'name="image"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n' + make_image(255)
        parts = [image, b'name="client_reference"\r\n\r\nscan-42']
        lines = [
            b"--%s\r\nContent-Disposition: form-data; %s\r\n" % (boundary, part)
            for part in parts[:: -1 if is_reversed else 1]
        ]
        body = b"".join([*lines, b"--%s--\r\n" % boundary])
        content_type = f"multipart/form-data; boundary={boundary.decode()}"
        return api.post(PREDICTIONS_URL, body, content_type, headers={"idempotency-key": KEY})

    first = send(b"x1")
    assert first.status_code == 201
    assert_replayed(send(b"y22"), first)
    assert_replayed(send(b"z", is_reversed=True), first)
    assert Prediction.objects.count() == len(list_stored_files(settings)) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"data": make_noise_image(1)},
        {"name": "eight.png"},
        {"client_reference": "b"},
        {"model": "shades:1"},
    ],
    ids=str,
)
def test_a_key_of_another_form_is_refused(shades, api, settings, change):
    assert post_image(api, client_reference="a").status_code == 201
    assert_problem(post_image(api, **{"client_reference": "a", **change}), 422, "idempotency-key-reused")
    assert Prediction.objects.count() == len(list_stored_files(settings)) == 1


@pytest.mark.parametrize(
    "body", [{**FLOWER, "client_reference": "x"}, {**FLOWER, "features": {**ROW, "petals": 6}}], ids=str
)
def test_a_key_of_another_row_is_refused(flowers, api, body):
    first = post(api)
    assert_problem(post(api, body), 422, "idempotency-key-reused")
    assert_problem(post(api, url=f"{PREDICTIONS_URL}?format=json"), 422, "idempotency-key-reused")
    assert_problem(post(api, {"items": []}, url=GROUND_TRUTH_URL), 422, "idempotency-key-reused")
    assert_replayed(post(api), first)


def test_the_order_of_keys_and_spaces_of_json_do_not_matter(flowers, api):
    first = post(api)
    body = json.dumps(dict(reversed(FLOWER.items())), indent=2)
    assert_replayed(api.post(PREDICTIONS_URL, body, "application/json", headers={"idempotency-key": KEY}), first)


def test_the_same_key_of_another_user_is_another_key(flowers, api, other, token_headers):
    first = post(api)
    second = post(Client(headers=token_headers(other)))
    assert second.status_code == 201
    assert "Idempotent-Replayed" not in second
    assert first.json()["id"] != second.json()["id"]


@pytest.mark.parametrize("key", ["a", "A b", "x" * 255, "~!#'()+-./:;<=>?@[\\]^_`{|}", '"a,b"', '"a\\"b"', f'"{"x" * 255}"'])
def test_valid_keys(flowers, api, key):
    first = post(api, key=key)
    assert first.status_code == 201
    assert_replayed(post(api, key=key), first)


def test_a_key_in_quotes_is_the_same_key(flowers, api):
    first = post(api)
    assert_replayed(post(api, key=f'"{KEY}"'), first)
    assert parse_key(r'"a\"\\b"') == 'a"\\b'


@pytest.mark.parametrize(
    "key",
    [
        *("", " ", '""', '"', "x" * 256, f'"{"x" * 256}"', "a\0b", "\0", "é", '"é"', "a\x7f", "a\tb", "a\x1f"),
        *("a,b", "a, b", '"a","b"', '"a", "b"', 'a"b', '"a"b"', '"a', 'a"', '"a";b=1', '"a\\b"', " a", "a ", "\u2028"),
    ],
)
def test_invalid_keys(flowers, api, key):
    with pytest.raises(ValidationError):
        parse_key(key)
    if key.isascii() and "\0" not in key:
        assert_problem(post(api, key=key), 400, "invalid-idempotency-key")
    assert not Prediction.objects.exists()
    assert not IdempotencyKey.objects.exists()


def test_a_request_whose_key_is_in_use_is_refused(flowers, api, monkeypatch):
    responses = []
    predict = idempotency.claim_key

    def claim_and_send_again(**arguments):
        claim = predict(**arguments)
        monkeypatch.undo()
        responses.append(post(api))
        return claim

    monkeypatch.setattr(idempotency, "claim_key", claim_and_send_again)
    first = post(api)
    assert first.status_code == 201
    (refused,) = responses
    assert_problem(refused, 409, "idempotency-key-in-use")
    assert refused["Retry-After"] == "1"
    assert_replayed(post(api), first)


@pytest.mark.parametrize("seconds", [-1, LEASE_SECONDS + 3600], ids=["lease ended", "clock turned back"])
def test_a_key_is_taken_over_when_its_process_is_lost(flowers, api, seconds):
    first = post(api)
    Prediction.objects.all().delete()
    edit_key(status_code=None, leased_until=timezone.now() + timedelta(seconds=seconds))
    second = post(api)
    assert second.status_code == 201
    assert second.json()["id"] != first.json()["id"]
    assert_replayed(post(api), second)
    assert Prediction.objects.count() == 1


def test_a_key_is_not_taken_over_before_its_lease_ends(flowers, api):
    post(api)
    edit_key(status_code=None, leased_until=timezone.now() + timedelta(seconds=5))
    assert_problem(post(api), 409, "idempotency-key-in-use")
    assert Prediction.objects.count() == 1


def test_a_slow_request_that_has_lost_its_key_stores_nothing(shades, api, settings, monkeypatch):
    """Its lease ended while the model ran. Another request has stored the prediction meanwhile."""
    responses = []
    claim_key = idempotency.claim_key

    def claim_and_lose(**arguments):
        claim = claim_key(**arguments)
        monkeypatch.undo()
        edit_key(leased_until=timezone.now() - timedelta(seconds=1))
        responses.append(post_image(api))
        return claim

    def claim(**arguments):
        return claim_and_lose(**arguments)

    monkeypatch.setattr(idempotency, "claim_key", claim)
    assert_problem(post_image(api), 409, "idempotency-key-in-use")
    (second,) = responses
    assert second.status_code == 201
    assert_replayed(post_image(api), second)
    assert Prediction.objects.count() == Input.objects.count() == len(list_stored_files(settings)) == 1


def test_an_invalid_request_does_not_use_up_the_key(flowers, api):
    assert_problem(post(api, {**FLOWER, "features": {}}), 400, "invalid-features")
    assert_problem(post(api, {**FLOWER, "model": "nope"}), 404, "unknown-model")
    assert_problem(post(api, {**FLOWER, "user": 1}), 400, "unknown-field")
    assert_problem(
        api.post(PREDICTIONS_URL, "{", "application/json", headers={"idempotency-key": KEY}), 400, "malformed-json"
    )
    assert_problem(
        api.post(PREDICTIONS_URL, "a", "text/plain", headers={"idempotency-key": KEY}), 415, "unsupported-media-type"
    )
    assert not IdempotencyKey.objects.exists()
    assert post(api).status_code == 201


def test_an_overloaded_model_does_not_use_up_the_key(flowers, api, monkeypatch):
    def refuse(*args, **options):
        raise Overloaded("The queue of the model is full.")

    post(api, key=None)  # loads the model
    with monkeypatch.context() as patch:
        patch.setattr(Predictor, "predict", refuse)
        assert_problem(post(api), 503, "overloaded")
    assert not IdempotencyKey.objects.exists()
    assert post(api).status_code == 201


def test_a_full_disk_does_not_use_up_the_key(shades, api, fill_disk):
    assert_problem(post_image(api), 507, "storage-full")
    assert not IdempotencyKey.objects.exists()
    assert not Prediction.objects.exists()


def test_an_unexpected_error_does_not_use_up_the_key(flowers, api, monkeypatch):
    def fail(*args, **options):
        raise ZeroDivisionError

    api.raise_request_exception = False
    post(api, key=None)  # loads the model
    with monkeypatch.context() as patch:
        patch.setattr(Predictor, "predict", fail)
        assert_problem(post(api), 500, "internal-error")
    assert not IdempotencyKey.objects.exists()


def test_a_stored_failure_is_repeated(register_failing, api):
    register_failing(nan=True)
    first = post_image(api, model="failing")
    assert_problem(first, 500, "model-output-invalid")
    assert_replayed(post_image(api, model="failing"), first)
    assert Prediction.objects.get().status == "failed"


def test_a_rejected_row_stores_neither_key_nor_file(shades, api, settings, monkeypatch):
    """The database refuses the prediction in the transaction that would store the response."""
    monkeypatch.setattr(Prediction, "compute_margin", lambda self: "no number")
    api.raise_request_exception = False
    assert_problem(post_image(api), 500, "internal-error")
    assert not list_stored_files(settings)
    assert not IdempotencyKey.objects.exists()
    assert not Input.objects.exists()


def test_reviews_and_ground_truth_are_stored_once(shades, api, user):
    prediction = make_prediction(user)
    url = f"{PREDICTIONS_URL}{prediction.pk}/reviews/"
    first = post(api, {"verdict": "correct"}, url=url)
    assert first.status_code == 201
    assert_replayed(post(api, {"verdict": "correct"}, url=url), first)
    assert Review.objects.count() == 1
    assert api.delete(url, headers={"idempotency-key": KEY}).status_code == 204
    body = {"items": [{"id": str(prediction.pk), "verdict": "correct"}, {"id": str(uuid.uuid4()), "verdict": "correct"}]}
    first = post(api, body, url=GROUND_TRUTH_URL, key="other")
    assert first.json()["accepted"] == 1
    assert_replayed(post(api, body, url=GROUND_TRUTH_URL, key="other"), first)
    assert Review.objects.count() == 2
    assert_problem(post(api, {"verdict": "no"}, url=url, key="third"), 400, "invalid-choice")
    assert post(api, {"verdict": "unsure"}, url=url, key="third").status_code == 201


def test_a_key_without_a_token_is_refused_and_not_stored(flowers, client):
    assert_problem(post(client), 401, "not-authenticated")
    assert not IdempotencyKey.objects.exists()


def test_keys_expire(flowers, api, settings):
    first = post(api)
    edit_key(created_at=timezone.now() - timedelta(hours=settings.IDEMPOTENCY_HOURS - 1))
    assert delete_expired_keys() == 0
    assert_replayed(post(api), first)
    edit_key(created_at=timezone.now() - timedelta(hours=settings.IDEMPOTENCY_HOURS, seconds=1))
    assert "Idempotent-Replayed" not in post(api)
    assert Prediction.objects.count() == 2


def test_expired_keys_are_deleted_in_batches(user, monkeypatch, django_assert_num_queries):
    monkeypatch.setattr("predictions.services.idempotency.MAX_DELETED_KEYS", 2)
    now = timezone.now()
    IdempotencyKey.objects.bulk_create(
        IdempotencyKey(user=user, key=str(hours), created_at=now - timedelta(hours=hours)) for hours in (1, 23, 25, 26, 27)
    )
    with django_assert_num_queries(4):
        assert delete_expired_keys() == 3
    assert set(IdempotencyKey.objects.values_list("key", flat=True)) == {"1", "23"}
