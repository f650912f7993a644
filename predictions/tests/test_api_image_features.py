"""Images with features in the API."""

import hashlib
import json

import pytest

from core.tests.problems import assert_problem
from inference.tests.factories import make_image
from predictions.models import Input
from predictions.services.inputs import read_stored_input
from predictions.tests.factories import PREDICTIONS_URL, list_stored_files, make_upload

pytestmark = pytest.mark.django_db
WHITE = make_image(255, size=(8, 8))  # 64 pixels with the value 1


def post_parcel(api, **parts):
    return api.post(PREDICTIONS_URL, {"model": "parcels", **parts})


def test_an_image_with_features_is_stored(parcels, api, user):
    response = post_parcel(api, image=make_upload(WHITE), features='{"express": true, "weight": 3}')
    assert response.status_code == 201
    body = response.json()
    assert body["value"] == 64 + 3 + 1
    row = Input.objects.get()
    assert (row.kind, row.features, row.width, row.content_type) == (
        *("image-tabular", {"weight": 3, "express": True}, 8, "image/png"),
    )
    file_digest = hashlib.sha256(WHITE).hexdigest()
    canonical = f'{{"features":{{"express":true,"weight":3}},"image":"{file_digest}"}}'
    assert body["input"]["sha256"] == row.sha256 == hashlib.sha256(canonical.encode()).hexdigest()
    assert (body["input"]["kind"], body["input"]["text"]) == ("image-tabular", None)
    assert list(body["input"]["features"]) == ["weight", "express"]
    assert api.get(body["input"]["image_url"]).content == WHITE
    assert api.get(f"{body['url']}?include=image").json()["input"]["image"].startswith("data:image/png;base64,")


def test_features_can_be_a_file_and_defaults_apply(parcels, api):
    row = make_upload(b'{"weight": 0.5}', name="row.json")
    body = post_parcel(api, image=make_upload(WHITE), features=row).json()
    assert (body["value"], body["input"]["features"]) == (64.5, {"weight": 0.5, "express": False})


def test_features_in_a_file_are_limited_as_other_json(parcels, api, settings):
    settings.MAX_JSON_BYTES = 1000
    row = make_upload(b'{"weight": 0.5}' + b" " * 985, name="row.json")
    assert post_parcel(api, image=make_upload(WHITE), features=row).status_code == 201
    row = make_upload(b'{"weight": 0.5}' + b" " * 986, name="row.json")
    problem = assert_problem(post_parcel(api, image=make_upload(WHITE), features=row), 413, "request-too-large")
    assert problem["detail"] == "The JSON in features is too large. The limit is 1000 bytes."


def test_a_changed_file_is_not_returned(parcels, api, settings):
    url = post_parcel(api, image=make_upload(WHITE), features='{"weight": 1}').json()["input"]["image_url"]
    list_stored_files(settings)[0].write_bytes(make_image(254, size=(8, 8)))
    assert_problem(api.get(url), 500, "stored-file-damaged")


def test_a_stored_input_can_be_predicted_again(parcels, api):
    post_parcel(api, image=make_upload(WHITE), features='{"weight": 1}')
    image, row = read_stored_input(Input.objects.get(), parcels)
    assert (image.size, row) == ((8, 8), {"weight": 1, "express": False})


INVALID_PARTS = [
    ({}, "image", "required", "takes an image and features"),
    ({"image": WHITE}, "features", "required", "Received: image."),
    ({"features": '{"weight": 1}'}, "image", "required", "Received: features."),
    ({"image": WHITE, "features": '{"weight": 1}', "text": "a"}, "image", "wrong-input", "Received: image and features and"),
    ({"image": WHITE, "features": '{"weight": -1}'}, "features.weight", "out-of-range", "at least 0 kg"),
    ({"image": WHITE, "features": "{}"}, "features.weight", "required", "Missing."),
    ({"image": WHITE, "features": "[1, true]"}, "feature_order", "required", "requires feature_order"),
    ({"image": WHITE, "features": "{"}, "", "malformed-json", "The part features is not valid JSON"),
    ({"image": b"GIF89a", "features": '{"weight": 1}'}, "image", "unsupported-image-format", "GIF"),
]


@pytest.mark.parametrize(("parts", "field", "code", "message"), INVALID_PARTS)
def test_invalid_parts_are_rejected_and_not_stored(parcels, api, settings, parts, field, code, message):
    sent = {name: make_upload(part) if name == "image" else part for name, part in parts.items()}
    status = 415 if code == "unsupported-image-format" else 400
    problem = assert_problem(post_parcel(api, **sent), status, code)
    assert message in problem["detail"]
    assert [error["field"] for error in problem["errors"]] == ([field] if field else [])
    assert not Input.objects.exists()
    assert not list_stored_files(settings)


def test_a_model_for_images_rejects_features(shades, api):
    parts = {"model": "shades", "image": make_upload(), "features": json.dumps({"weight": 1})}
    assert "Received: image and features." in assert_problem(api.post(PREDICTIONS_URL, parts), 400, "wrong-input")["detail"]
