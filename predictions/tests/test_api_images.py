"""Images as base64 in JSON, as the body itself, and in the field `file`."""

import base64
import hashlib
import json
import tracemalloc

import pytest

from core.api.parsers import JSONTooLarge, check_json_size
from core.tests.problems import assert_problem
from inference.tests.factories import make_image, make_noise_image
from predictions.models import Input
from predictions.tests.factories import PREDICTIONS_URL
from predictions.tests.image_requests import DISPOSITION, IMAGES, TEXT
from predictions.tests.request_builders import IMAGE

pytestmark = [pytest.mark.django_db, pytest.mark.once]

GROUND_TRUTH_URL = "/api/v1/ground-truth/"
STORED = {
    "file": "a.png",
    "file with model": "a.png",
    "base64 in a form": "",
    "PowerShell": "a.png",
    "base64": "",
    "base64 with model": "",
    "data URL": "",
    "base64 with line breaks": "",
    "URL-safe base64": "",
    "base64 in file": "",
    "byte order mark": "",
    "PNG": "",
    "PNG as JPEG": "",
    "PNG as WebP": "",
    "PNG as bytes": "",
    "PNG as TIFF": "",
    "PNG with charset": "",
    "PNG as any image": "",
    "PNG with model": "",
    "PNG with an empty model": "",
    "PNG with format": "",
    "PNG with file name": "seven.png",
    "PNG with encoded name": "é.png",
    "PNG with name in UTF-8": "é.png",
    "PNG with a path as name": "x.png",
    "PNG with invalid name": "",
    "PNG with a name without type": "",
    "no slash": "seven.png",
    "no slash but a query string": "",
}
REJECTED = {
    "file and image": (400, "one-file-only"),
    "two files": (400, "one-file-only"),
    "file as text": (400, "not-a-file"),
    "empty file field": (400, "empty-file"),
    "base64 twice": (400, "one-file-only"),
    "base64 with features": (400, "wrong-input"),
    "base64 for a table": (400, "wrong-input"),
    "base64 for an unknown model": (404, "unknown-model"),
    "base64 for a failing model": (500, "model-output-invalid"),
    "base64 of text": (400, "invalid-image"),
    "empty base64": (400, "empty-file"),
    "URL": (400, "not-a-file"),
    "path": (400, "not-a-file"),
    "null as image": (400, "null"),
    "list of images": (400, "not-a-file"),
    "object as image": (400, "not-a-file"),
    "large JSON around an image": (413, "request-too-large"),
    "spaces as image": (400, "empty-file"),
    "two byte order marks": (400, "malformed-json"),
    "UTF-16": (400, "malformed-json"),
    "PNG with an unknown model": (404, "unknown-model"),
    "PNG for a table": (400, "wrong-input"),
    "PNG for a failing model": (500, "model-output-invalid"),
    "PNG with a long reference": (400, "max-length"),
    "PNG with NUL in the reference": (400, "null-characters-not-allowed"),
    "PNG with an unknown parameter": (400, "unknown-parameter"),
    "PNG with features": (400, "unknown-parameter"),
    "empty PNG": (400, "required"),
    "GIF as PNG": (415, "unsupported-image-format"),
    "text as PNG": (400, "invalid-image"),
    "SVG": (415, "unsupported-image-format"),
    "video": (415, "unsupported-media-type"),
    "curl --data-binary": (415, "unsupported-media-type"),
    "form fields": (415, "unsupported-media-type"),
    "no type": (415, "unsupported-media-type"),
    "model in the query string": (400, "unknown-parameter"),
    "reference in the query string": (400, "unknown-parameter"),
}


def send(api, request):
    return api.generic("POST", request.url, request.body, request.content_type, headers=request.headers)


def post_json(api, **fields):
    return api.post(PREDICTIONS_URL, json.dumps(fields), "application/json")


def test_images_in_each_form_are_stored(shades, flowers, register_failing, api):
    register_failing(nan=True)
    requests = {request.name: request for request in IMAGES}
    for name, original_name in STORED.items():
        response = send(api, requests[name])
        assert response.status_code == 201, (name, response.content)
        stored = response.json()["input"]
        assert (stored["sha256"], stored["original_name"]) == (hashlib.sha256(IMAGE).hexdigest(), original_name), name
        assert (stored["kind"], stored["content_type"]) == ("image", "image/png")
    assert send(api, requests["PNG with model"]).json()["client_reference"] == "a b"
    assert api.get(response.json()["input"]["image_url"]).content == IMAGE


def test_invalid_forms_are_rejected(shades, flowers, register_failing, api):
    register_failing(nan=True)
    requests = {request.name: request for request in IMAGES}
    for name, (status, code) in REJECTED.items():
        response = send(api, requests[name])
        assert (response.status_code, response.json()["code"]) == (status, code), (name, response.content)
    assert Input.objects.count() == 2  # of the failing model
    assert "URLs are not fetched" in send(api, requests["URL"]).json()["detail"]
    assert "URLs are not fetched" in send(api, requests["file as text"]).json()["detail"]
    assert "Content-Type: image/png" in send(api, requests["curl --data-binary"]).json()["detail"]
    assert send(api, requests["base64 of text"]).json()["errors"][0]["field"] == "image"


def test_json_can_have_an_image_with_features(parcels, api):
    image = base64.b64encode(make_image(255, size=(8, 8))).decode()
    response = post_json(api, model="parcels", image=image, features={"weight": 3, "express": True})
    assert response.json()["value"] == 64 + 3 + 1
    assert Input.objects.get().kind == "image-tabular"
    assert_problem(post_json(api, model="parcels", image=image), 400, "required")
    listed = post_json(api, model="parcels", image=image, features=[3, True], feature_order=["weight", "express"])
    assert listed.json()["value"] == 64 + 3 + 1
    assert_problem(api.generic("POST", f"{PREDICTIONS_URL}?model=parcels", IMAGE, "image/png"), 400, "required")


def test_an_image_in_json_can_be_as_large_as_in_a_form(shades, api, settings):
    assert settings.MAX_IMAGE_JSON_BYTES == settings.MAX_UPLOAD_BYTES * 3 // 2 + settings.MAX_JSON_BYTES
    settings.MAX_UPLOAD_BYTES = 2**20
    settings.MAX_IMAGE_JSON_BYTES = settings.MAX_UPLOAD_BYTES * 3 // 2 + settings.MAX_JSON_BYTES
    data = make_noise_image(1)
    data += bytes(settings.MAX_UPLOAD_BYTES - len(data))
    for text in (base64.b64encode(data), base64.encodebytes(data)):
        escaped = json.dumps({"image": text.decode()}).replace("/", "\\/")  # as PHP writes it
        assert api.post(PREDICTIONS_URL, escaped, "application/json").status_code == 201
    assert_problem(post_json(api, image=base64.b64encode(data + b"\0").decode()), 413, "file-too-large")
    assert_problem(post_json(api, image="A" * settings.MAX_IMAGE_JSON_BYTES), 413, "request-too-large")
    assert api.generic("POST", PREDICTIONS_URL, data, "image/png").status_code == 201
    assert_problem(api.generic("POST", PREDICTIONS_URL, data + b"\0", "image/png"), 413, "file-too-large")
    too_large = data + bytes(settings.FORM_OVERHEAD_BYTES + 1)
    assert_problem(api.generic("POST", PREDICTIONS_URL, too_large, "image/png"), 413, "request-too-large")


NUMBERS = b"[" + b"1," * 2**19 + b"1]"
LARGE_BODIES = [
    b'{"features": ' + NUMBERS + b"}",
    b'{"image": ' + NUMBERS + b"}",
    b'{"image": "AAAA", "features": ' + NUMBERS + b"}",
    b'{"items": [' + b'{"image": "AAAA"}, ' * 80_000 + b"{}]}",
    b'{"image": "' + b"\\u0041" * 2**18 + b'"}',
    b'{"image": "' + "é".encode() * 2**19 + b'"}',
    b'{"image": "\\"' + NUMBERS + b'"}',
    b'{"images": "' + b"A" * 2**20 + b'"}',
    b'{"x\\"image": ' + NUMBERS + b"}",
    b'"image"' + b" " * 2**20,
    b'"image":' * 200_000,
    b" " * 2**20 + b"1",
]


@pytest.mark.parametrize(
    ("url", "body"),
    [*((PREDICTIONS_URL, body) for body in LARGE_BODIES), (GROUND_TRUTH_URL, LARGE_BODIES[0])],
    ids=range(13),
)
def test_json_without_its_image_cannot_be_large(api, url, body):
    tracemalloc.start()
    response = api.post(url, body, "application/json")
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    problem = assert_problem(response, 413, "request-too-large")
    assert "The limit is 1 MB" in problem["detail"]
    assert peak_bytes < 4 * len(body) + 4 * 2**20  # parsed numbers take 30 times the body


def test_large_json_with_an_image_is_a_problem_of_its_fields(shades, api):
    body = json.dumps({"items": [], "image": "A" * 2**21})
    assert_problem(api.post(GROUND_TRUTH_URL, body, "application/json"), 400, "unknown-field")
    assert_problem(api.post(PREDICTIONS_URL, body, "application/json"), 400, "unknown-field")


def test_the_values_of_all_images_are_not_counted():
    images = [{"image": TEXT * 1000}, {"image": "x", "file": "\\/" * 600_000}, {"image": "A" * 2**20}]
    body = json.dumps({"items": images}, indent=4).encode()
    assert len(body) > 3 * 2**20
    check_json_size(body)
    with pytest.raises(JSONTooLarge):
        check_json_size(body.replace(b'"image"', b'"Image"'))


def test_only_the_list_of_predictions_takes_an_image_as_the_body(shades, api):
    created = api.generic("POST", PREDICTIONS_URL, IMAGE, "image/png").json()
    for url in (f"{created['url']}reviews/", GROUND_TRUTH_URL):
        assert_problem(api.generic("POST", url, IMAGE, "image/png"), 415, "unsupported-media-type")


def test_the_name_of_a_raw_image_is_cleaned(shades, api):
    headers = {DISPOSITION: f'inline; filename="{"x" * 300}\x01.png"'}
    created = api.generic("POST", PREDICTIONS_URL, IMAGE, "image/png", headers=headers)
    assert created.json()["input"]["original_name"] == "x" * 255
