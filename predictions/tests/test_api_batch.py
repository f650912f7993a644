"""Batch requests: one result per input, in order, and the errors of hostile requests."""

import base64
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from core.tests.problems import assert_problem
from inference.tests.factories import make_image, make_noise_image
from predictions.models import Input, Prediction
from predictions.tests.factories import PREDICTIONS_URL, list_stored_files

pytestmark = pytest.mark.django_db

BATCH_URL = f"{PREDICTIONS_URL}batch/"
ROW = {"length": 4.5, "petals": 5, "colour": "white", "wild": False}
ORDER = [*ROW]


@pytest.fixture
def post(api):
    def post_json(**data):
        return api.post(BATCH_URL, json.dumps(data), content_type="application/json")

    return post_json


def make_uploads(*images):
    return [SimpleUploadedFile(f"{number}.png", data) for number, data in enumerate(images)]


def encode(data):
    return base64.b64encode(data).decode()


def get_codes(response):
    assert response.status_code == 200, response.content
    body = response.json()
    assert [result["index"] for result in body["results"]] == list(range(body["count"]))
    assert body["succeeded"] + body["failed"] == body["count"]
    assert all((result["prediction"] is None) != (result["error"] is None) for result in body["results"])
    return [result["error"] and result["error"]["code"] for result in body["results"]]


def test_images_have_the_representations_of_single_predictions(shades, api, settings):
    images = [make_image(0), make_noise_image(1), make_image(255)]
    response = api.post(BATCH_URL, {"image": make_uploads(*images), "client_reference": ["a", "b", "a"], "model": "shades"})
    assert get_codes(response) == [None] * 3
    body = response.json()
    assert (body["count"], body["succeeded"], body["failed"]) == (3, 3, 0)
    for result in body["results"]:
        prediction = result["prediction"]
        assert api.get(prediction["url"]).json() == prediction
    assert [result["prediction"]["label"] for result in body["results"]][::2] == ["black", "white"]
    assert [result["prediction"]["client_reference"] for result in body["results"]] == ["a", "b", "a"]
    assert [result["prediction"]["input"]["original_name"] for result in body["results"]] == ["0.png", "1.png", "2.png"]
    assert len(list_stored_files(settings)) == 3


def test_an_invalid_image_has_the_problem_of_a_single_request(shades, api):
    response = api.post(BATCH_URL, {"file": make_uploads(make_image(0), b"text", make_image(255), b"")})
    assert get_codes(response) == [None, "invalid-image", None, response.json()["results"][3]["error"]["code"]]
    single = api.post(PREDICTIONS_URL, {"image": make_uploads(b"text")})
    assert response.json()["results"][1]["error"] == single.json()
    assert response.json()["failed"] == 2
    assert Prediction.objects.count() == 2


@pytest.mark.parametrize("as_lists", [False, True])
def test_rows_are_predicted(flowers, post, as_lists):
    rows = [{**ROW, "petals": number} for number in range(5)]
    more = {"feature_order": ORDER} if as_lists else {}
    response = post(model="flowers", features=[list(row.values()) for row in rows] if as_lists else rows, **more)
    assert get_codes(response) == [None] * 5
    values = [result["prediction"]["value"] for result in response.json()["results"]]
    assert [value - values[0] for value in values] == pytest.approx(range(5))
    assert response.json()["results"][0]["prediction"]["input"]["features"] == {**ROW, "petals": 0}


def test_each_problem_names_the_field(flowers, post):
    rows = [
        ROW,
        {**ROW, "petals": "x"},
        {"petals": 1},
        {**ROW, "petal": 1},
        [1, 2, "white"],
        7,
        None,
        [[1]],
        {"petals": {"a": []}},
    ]
    response = post(model="flowers", features=rows)
    codes = get_codes(response)
    assert codes[0] is None
    assert None not in codes[1:]
    results = response.json()["results"]
    assert [error["field"] for error in results[1]["error"]["errors"]] == ["features.petals"]
    assert all(result["error"]["errors"][0]["field"] for result in results[1:])
    assert Prediction.objects.count() == Input.objects.count() == 1


def test_items_of_json(shades, post):
    data = make_image(255)
    items = [
        {"image": encode(data), "client_reference": "x"},
        {"image": f"data:image/png;base64,{encode(data)}"},
        {"file": encode(data)},
        {"image": "https://example.org/a.png"},
        {"file": encode(data), "image": encode(data)},
        {"file": "%%%"},
        {"image": 7},
        *({"features": ROW}, {"text": 5}, {"image": encode(data), "size": 3}, {}, [], None, {"image": None}),
        {"image": encode(data), "client_reference": True},
        {"image": encode(data), "client_reference": "x" * 256},
        {"image": encode(data), "feature_order": "petals"},
    ]
    response = post(items=items)
    codes = get_codes(response)
    assert codes[:3] == [None] * 3
    assert codes[3:7] == ["not-a-file", "one-file-only", "invalid-base64", "not-a-file"]
    assert None not in codes[7:]
    assert response.json()["results"][5]["error"]["errors"][0]["field"] == "file"
    assert response.json()["results"][0]["prediction"]["client_reference"] == "x"
    assert Prediction.objects.count() == 3


def test_references_can_be_numbers_as_in_single_requests(flowers, post):
    body = post(model="flowers", features=[ROW] * 3, client_reference=[7, 1.5, "7"]).json()
    assert [result["prediction"]["client_reference"] for result in body["results"]] == ["7", "1.5", "7"]


@pytest.mark.parametrize("name", ["model", "client_reference", "expires_in", "unique_reference", "stroe"])
def test_query_parameters_without_effect_are_refused(flowers, api, name):
    body = json.dumps({"features": [ROW]})
    response = api.post(f"{BATCH_URL}?{name}=true", body, content_type="application/json")
    assert_problem(response, 400, "unknown-parameter")
    assert not Input.objects.exists()


def test_texts_are_predicted(reviews, post):
    response = post(model="reviews", text=["Good", "Größe", "", 7], client_reference=["a", "b", "c", "d"])
    codes = get_codes(response)
    assert codes[:2] == [None, None]
    assert codes[3] == "wrong-type"
    assert [result["prediction"]["value"] for result in response.json()["results"][:2]] == [4, 5]


@pytest.mark.parametrize(
    ("data", "status", "code", "field"),
    [
        ({}, 400, "required", "items"),
        ({"features": []}, 400, "required", "features"),
        ({"items": []}, 400, "required", "items"),
        ({"features": ROW}, 400, "wrong-type", "features"),
        ({"features": "text"}, 400, "wrong-type", "features"),
        ({"features": None}, 400, "null", "features"),
        ({"features": [ROW], "items": [{"features": ROW}]}, 400, "wrong-input", "items"),
        ({"features": [ROW], "feature_order": ORDER}, 400, "wrong-order", "feature_order"),
        ({"features": [[1]], "feature_order": "petals"}, 400, "wrong-type", "feature_order"),
        ({"items": [{"features": ROW}], "feature_order": ORDER}, 400, "wrong-order", "feature_order"),
        ({"items": [{"features": ROW}], "client_reference": ["a"]}, 400, "wrong-count", "client_reference"),
        ({"features": [ROW, ROW], "client_reference": ["a"]}, 400, "wrong-count", "client_reference"),
        ({"features": [ROW], "client_reference": "a"}, 400, "wrong-type", "client_reference"),
        ({"image": "x"}, 400, "wrong-input", "image"),
        ({"rows": [ROW]}, 400, "unknown-field", "rows"),
        ({"features": [ROW], "model": "nothing"}, 404, "unknown-model", "model"),
        ({"features": [ROW], "model": 7 * "x" * 100}, 400, "max-length", "model"),
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_an_invalid_request_is_refused_as_a_whole(flowers, post, data, status, code, field):
    problem = assert_problem(post(**data), status, code)
    assert [error["field"] for error in problem["errors"]] == [field]
    assert not Input.objects.exists()


@pytest.mark.parametrize(
    ("name", "limit", "data"),
    [
        ("MAX_BATCH_ROWS", 3, {"features": [ROW] * 4}),
        ("MAX_BATCH_ROWS", 3, {"items": [{"features": ROW}] * 4}),
        ("MAX_BATCH_IMAGES", 3, {"items": [{"image": ""}] * 4}),
        ("MAX_BATCH_VALUES", 15, {"features": [ROW] * 4}),
    ],
)
def test_too_many_items_are_refused(flowers, post, settings, name, limit, data):
    setattr(settings, name, limit)
    assert_problem(post(model="flowers", **data), 413, "too-many-items")
    assert not Input.objects.exists()


def test_too_many_images_are_refused(shades, api, settings):
    settings.MAX_BATCH_IMAGES = 3
    assert_problem(api.post(BATCH_URL, {"image": make_uploads(*[make_image(0)] * 4)}), 413, "too-many-items")
    settings.DATA_UPLOAD_MAX_NUMBER_FILES = 2
    uploads = [SimpleUploadedFile("é.png", make_image(0)) for _ in range(3)]  # read by Django's parser
    assert_problem(api.post(BATCH_URL, {"image": uploads}), 413, "too-many-items")


def test_a_large_body_is_accepted_only_here(shades, post, api, settings):
    image = encode(make_noise_image(1))
    settings.MAX_BATCH_BYTES, settings.FORM_OVERHEAD_BYTES = 10 * len(image), 0
    settings.MAX_JSON_BYTES, settings.MAX_BATCH_JSON_BYTES, settings.MAX_IMAGE_JSON_BYTES = 20, 200, len(image)
    assert get_codes(post(items=[{"image": image}] * 4)) == [None] * 4
    assert_problem(post(items=[{"image": image}] * 11), 413, "request-too-large")
    assert_problem(post(items=[{"image": image, "client_reference": "x" * 300}]), 413, "request-too-large")
    assert_problem(post(text=["x" * 300]), 413, "request-too-large")
    response = api.post(PREDICTIONS_URL, json.dumps({"image": image}), content_type="application/json")
    assert_problem(response, 413, "request-too-large")


@pytest.mark.parametrize(
    "body", [b"[1]", b'{"features": [NaN]}', b'{"features": [{}], "model": "\\u0000"}', b'{"features": [', b"\xff"]
)
def test_malformed_json_is_refused(flowers, api, body):
    response = api.post(BATCH_URL, body, content_type="application/json")
    assert response.status_code == 400
    assert not Input.objects.exists()


def test_forms_with_other_parts(shades, api):
    uploads = make_uploads(make_image(0))
    for data, code in (
        ({"image": uploads, "features": "{}"}, "wrong-input"),
        ({"image": "text"}, "not-a-file"),
        ({"image": uploads, "file": uploads}, "wrong-input"),
        ({"image": uploads, "unknown": "x"}, "unknown-field"),
        ({"model": "shades"}, "required"),
        ({"image": uploads, "client_reference": ["a", "b"]}, "wrong-count"),
    ):
        assert_problem(api.post(BATCH_URL, data), 400, code)


def test_a_failed_model_gives_failed_predictions(register_failing, api):
    register_failing(fail="no")
    response = api.post(BATCH_URL, {"image": make_uploads(make_image(0), make_image(9)), "model": "failing"})
    assert get_codes(response) == [None, None]
    assert (response.json()["succeeded"], response.json()["failed"]) == (0, 2)
    assert {result["prediction"]["status"] for result in response.json()["results"]} == {"failed"}


def test_a_repeated_key_gives_the_same_response(flowers, api):
    body = json.dumps({"model": "flowers", "features": [ROW, {}]})
    headers = {"Idempotency-Key": "k1"}
    first, second = (api.post(BATCH_URL, body, content_type="application/json", headers=headers) for _ in range(2))
    assert second.content == first.content
    assert get_codes(first) == [None, first.json()["results"][1]["error"]["code"]]
    assert Prediction.objects.count() == 1
