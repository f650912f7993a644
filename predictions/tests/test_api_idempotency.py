"""Idempotency-Key: a repeated request gets the first response, and nothing is stored again."""

import json

import pytest
from django.test import Client
from rest_framework.exceptions import ValidationError

from accounts.api.idempotency import parse_key
from accounts.models import IdempotencyKey
from core.tests.problems import assert_problem
from inference.tests.factories import make_image, make_noise_image
from predictions.models import Input, Prediction
from predictions.tests.factories import PREDICTIONS_URL, list_stored_files
from predictions.tests.idempotency import FLOWER, GROUND_TRUTH_URL, KEY, assert_replayed, post, post_image
from predictions.tests.request_builders import ROW

pytestmark = pytest.mark.django_db


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
def test_valid_keys_are_accepted(flowers, api, key):
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
def test_invalid_keys_are_rejected(flowers, api, key):
    with pytest.raises(ValidationError):
        parse_key(key)
    if key.isascii() and "\0" not in key:
        assert_problem(post(api, key=key), 400, "invalid-idempotency-key")
    assert not Prediction.objects.exists()
    assert not IdempotencyKey.objects.exists()
