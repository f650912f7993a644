"""Text and numbers that cannot be stored, in one item of a list: the other items are not affected."""

import json

import pytest

from core.tests.problems import assert_problem
from predictions.api import batch
from predictions.models import Prediction, Review
from predictions.tests.factories import PREDICTIONS_URL

pytestmark = pytest.mark.django_db

BATCH_URL = f"{PREDICTIONS_URL}batch/"
GROUND_TRUTH_URL = "/api/v1/ground-truth/"
ROW = {"length": 4.5, "petals": 5, "colour": "white", "wild": False}
BROKEN_TEXTS = ["cut in an emoji \ud83d", "a\0b"]


def post(api, url, body, **headers):
    """Send JSON. `Infinity` in the body stands for a number that is too large."""
    text = json.dumps(body).replace("Infinity", "1e999")
    return api.post(url, text, content_type="application/json", headers=headers)


def get_errors(response):
    assert response.status_code == 200, response.content
    errors = [result["error"] for result in response.json()["results"]]
    return [error and (error["status"], error["code"], error["detail"]) for error in errors]


def test_a_row_that_cannot_be_stored(flowers, api):
    rows = [ROW, {**ROW, "colour": BROKEN_TEXTS[0]}, {**ROW, BROKEN_TEXTS[1]: 1}, {**ROW, "length": float("inf")}, ROW]
    errors = get_errors(post(api, BATCH_URL, {"features": rows}))
    assert errors == [
        None,
        (400, "malformed-json", "The item contains text with an unpaired surrogate."),
        (400, "malformed-json", "The item contains text with a NUL character (\\u0000)."),
        (400, "out-of-range", "The item contains a number that is too large (above 1.8e308)."),
        None,
    ]
    assert Prediction.objects.count() == 2


@pytest.mark.parametrize("encoded_items", [1, 2, 4, 5])
def test_results_that_are_encoded_together_stay_in_order(flowers, api, monkeypatch, encoded_items):
    monkeypatch.setattr(batch, "ENCODED_ITEMS", encoded_items)
    rows = [ROW, {**ROW, "colour": BROKEN_TEXTS[0]}, {**ROW, "petals": 1}, {**ROW, "petals": 2}]
    body = post(api, BATCH_URL, {"features": rows}).json()
    assert [result["index"] for result in body["results"]] == [0, 1, 2, 3]
    codes = [result["error"] and result["error"]["code"] for result in body["results"]]
    assert codes == [None, "malformed-json", None, None]
    predictions = [result["prediction"] for result in body["results"]]
    assert [each and each["input"]["features"]["petals"] for each in predictions] == [5, None, 1, 2]
    assert (body["count"], body["succeeded"], body["failed"]) == (4, 3, 1)


@pytest.mark.parametrize("text", BROKEN_TEXTS)
def test_a_text_a_reference_and_an_item_that_cannot_be_stored(reviews, api, text):
    codes = [None, "malformed-json", None]
    bodies = [
        {"text": ["a", text, "b"]},
        {"text": ["a", "b", "c"], "client_reference": ["1", text, "3"]},
        {"items": [{"text": "a"}, {"text": text}, {"text": "b", "client_reference": "4"}]},
    ]
    for body in bodies:
        errors = get_errors(post(api, BATCH_URL, {**body, "model": "reviews"}))
        assert [error and error[1] for error in errors] == codes
    assert Prediction.objects.count() == 6


@pytest.mark.parametrize("body", [{"model": "\0"}, {"feature_order": ["\ud83d"]}, {"\0": 1}])
def test_other_fields_that_cannot_be_stored_refuse_the_request(flowers, api, body):
    assert_problem(post(api, BATCH_URL, {"features": [ROW], **body}), 400, "malformed-json")
    assert not Prediction.objects.exists()


def test_an_invalid_item_is_part_of_what_a_key_identifies(flowers, api):
    def send(text):
        return post(api, BATCH_URL, {"features": [ROW, {"colour": text}]}, **{"Idempotency-Key": "k1"})

    first, repeated, other = send("\ud83d"), send("\ud83d"), send("\ud83e")
    assert (repeated.content, repeated.headers["Idempotent-Replayed"]) == (first.content, "true")
    assert_problem(other, 422, "idempotency-key-reused")
    assert Prediction.objects.count() == 1


def test_ground_truth_with_text_that_cannot_be_stored(three, api):
    items = [
        {"client_reference": "ref-0", "true_label": "black"},
        {"client_reference": "ref-127", "true_label": "grey", "comment": "\ud83d"},
        {"client_reference": "ref-255", "true_label": "white"},
    ]
    response = post(api, GROUND_TRUTH_URL, {"items": items})
    assert [result["code"] for result in response.json()["results"]] == [None, "malformed-json", None]
    assert Review.objects.count() == 2
