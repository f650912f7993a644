"""Invalid and hostile request bodies."""

import pytest
from django.test import Client

from core.tests.problems import assert_problem
from inference.tests.factories import make_noise_image
from predictions.models import Input
from predictions.tests.factories import PREDICTIONS_URL, make_prediction, make_upload

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({}, 400, "required"),
        ({"image": "/etc/passwd"}, 400, "not-a-file"),
        ({"image": "http://169.254.169.254/"}, 400, "not-a-file"),
        ({"image": b""}, 400, "empty-file"),
        ({"image": b"text"}, 400, "invalid-image"),
        ({"image": b"GIF89a" + b"\0" * 50}, 415, "unsupported-image-format"),
        ({"image": make_noise_image(1)[:90]}, 400, "truncated-image"),
        ({"image": [make_noise_image(1), make_noise_image(2)]}, 400, "one-file-only"),
        ({"image": make_noise_image(1), "model": "nope"}, 404, "unknown-model"),
        ({"image": make_noise_image(1), "model": "shades:7"}, 404, "unknown-model"),
        ({"image": make_noise_image(1), "model": "x" * 121}, 400, "max-length"),
        ({"image": make_noise_image(1), "client_reference": "x" * 256}, 400, "max-length"),
        ({"image": make_noise_image(1), "client_reference": "a\0b"}, 400, "null-characters-not-allowed"),
        ({"image": make_noise_image(1), "features": "{}"}, 400, "wrong-input"),
        ({"image": make_noise_image(1), "features": "{"}, 400, "malformed-json"),
        ({"features": "[" * 100_000}, 400, "too-deep"),
        ({"features": '{"a": 1, "a": 2}'}, 400, "malformed-json"),
        ({"features": '{"a": "\\ud800"}'}, 400, "malformed-json"),
        ({"image": make_noise_image(1), "confidence": "1", "user": "root"}, 400, "invalid"),
        ({"image": make_noise_image(1), "id": "1"}, 400, "unknown-field"),
        ({"picture": make_noise_image(1)}, 400, "unknown-field"),
    ],
)
def test_invalid_multipart_fields_are_rejected_and_nothing_is_stored(shades, api, settings, fields, status, code):
    convert = {bytes: make_upload, list: lambda files: [make_upload(data) for data in files], str: str}
    response = api.post(PREDICTIONS_URL, {name: convert[type(value)](value) for name, value in fields.items()})
    assert_problem(response, status, code)
    assert not Input.objects.exists()


def build_nested_json(depth):
    return "[" * depth + "]" * depth


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "malformed-json"),
        (b"\xef\xbb\xbf{}", 400, "required"),
        (b"\xef\xbb\xbf\xef\xbb\xbf{}", 400, "malformed-json"),
        (b'{"model": "\xff"}', 400, "malformed-json"),
        (b'{"features": NaN}', 400, "malformed-json"),
        (b'{"features": -Infinity}', 400, "malformed-json"),
        (b'{"features": 1e400}', 400, "out-of-range"),
        (b'{"features": ' + b"9" * 5000 + b"}", 400, "malformed-json"),
        (b'{"features": {"a": "\\u0000"}}', 400, "malformed-json"),
        (b'{"features": {"\\u0000": 1}}', 400, "malformed-json"),
        (b'{"model": "\\ud800"}', 400, "malformed-json"),
        (f'{{"features": {build_nested_json(32)}}}'.encode(), 400, "too-deep"),
        (build_nested_json(5_000).encode(), 400, "too-deep"),
        (build_nested_json(100_000).encode(), 400, "too-deep"),
        (b"[]", 400, "not-an-object"),
        (b'"x"', 400, "not-an-object"),
        (b"5", 400, "not-an-object"),
        (b"null", 400, "not-an-object"),
        (b"{}", 400, "required"),
        (b"", 400, "required"),
        (b'{"image": "aGVsbG8="}', 400, "invalid-image"),
        (b'{"image": "https://example.org/cat.png"}', 400, "not-a-file"),
        (b'{"image": "/etc/passwd"}', 400, "not-a-file"),
        (b'{"image": ""}', 400, "empty-file"),
        (b'{"image": "aGVsbG8"}', 400, "invalid-image"),
        (b'{"image": "aGVsbG8=="}', 400, "invalid-base64"),
        (b'{"image": "aGVsbG8=", "file": "aGVsbG8="}', 400, "one-file-only"),
        (b'{"image": null}', 400, "null"),
        (b'{"features": {"a": 1}}', 400, "wrong-input"),
        (b'{"model": true}', 400, "invalid"),
        (b'{"model": {"$ne": 1}}', 400, "invalid"),
        (b'{"confidence": 1}', 400, "unknown-field"),
        (b'{"model": "' + b"x" * 2**20 + b'"}', 413, "request-too-large"),
    ],
    ids=lambda value: str(value[:24]) if isinstance(value, bytes) else str(value),
)
def test_invalid_json_is_rejected_and_nothing_is_stored(shades, api, body, status, code):
    assert_problem(api.post(PREDICTIONS_URL, body, content_type="application/json"), status, code)
    assert not Input.objects.exists()


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "application/x-yaml", "application/msgpack", ""])
def test_unsupported_media_types_are_rejected(shades, api, content_type):
    assert_problem(api.generic("POST", PREDICTIONS_URL, b"{}", content_type=content_type), 415, "unsupported-media-type")


def build_multipart(*parts, closed=True):
    body = b"".join(b"--limit\r\n" + part for part in parts) + (b"--limit--\r\n" if closed else b"")
    return {"data": body, "content_type": "multipart/form-data; boundary=limit"}


PART = b'Content-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n' + make_noise_image(1) + b"\r\n"


def test_an_incomplete_multipart_body_is_rejected(shades, api):
    assert api.post(PREDICTIONS_URL, **build_multipart(PART)).status_code == 201
    assert_problem(api.post(PREDICTIONS_URL, **build_multipart(PART, closed=False)), 400, "malformed-request")
    assert Input.objects.count() == 1


def test_an_incomplete_multipart_body_is_rejected_in_sessions(shades, user):
    session = Client(enforce_csrf_checks=True)
    session.force_login(user)
    session.get("/accounts/")
    session.get("/")
    headers = {"x-csrftoken": session.cookies["csrftoken"].value}
    assert session.post(PREDICTIONS_URL, **build_multipart(PART), headers=headers).status_code == 201
    assert session.post(PREDICTIONS_URL, **build_multipart(PART, closed=False), headers=headers).status_code in (400, 403)
    assert Input.objects.count() == 1


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data", "multipart/form-data; boundary=" + "x" * 5000, "multipart/form-data; boundary=é"]
)
def test_an_invalid_boundary_is_rejected(shades, api, content_type):
    response = api.generic("POST", PREDICTIONS_URL, b"--limit--", content_type=content_type)
    assert response.status_code in (400, 415)
    assert response["Content-Type"] == "application/problem+json"
    assert not Input.objects.exists()


@pytest.mark.parametrize("charset", ["idna", "utf-16", "nope"])
def test_an_unknown_charset_is_not_a_server_error(shades, api, charset):
    body = build_multipart(PART)["data"]
    response = api.generic(
        "POST", PREDICTIONS_URL, body, content_type=f"multipart/form-data; boundary=limit; charset={charset}"
    )
    assert response.status_code in (201, 400)


def test_too_many_parts_are_a_problem(shades, api, settings):
    files = {f"file{n}": make_upload() for n in range(settings.DATA_UPLOAD_MAX_NUMBER_FILES + 1)}
    assert_problem(api.post(PREDICTIONS_URL, files), 413, "too-many-items")
    fields = {f"field{n}": "x" for n in range(settings.DATA_UPLOAD_MAX_NUMBER_FIELDS + 1)}
    assert_problem(api.post(PREDICTIONS_URL, fields), 400, "malformed-request")


def test_an_image_can_have_exactly_the_maximum_size(shades, api, settings):
    base = make_noise_image(1)
    limit = settings.MAX_UPLOAD_BYTES
    assert api.post(PREDICTIONS_URL, {"image": make_upload(base + b"\0" * (limit - len(base)))}).status_code == 201
    assert_problem(
        api.post(PREDICTIONS_URL, {"image": make_upload(base + b"\0" * (limit - len(base) + 1))}), 413, "file-too-large"
    )


def test_a_too_large_content_length_is_rejected_before_the_body_is_read(shades, api):
    response = api.generic(
        "POST", PREDICTIONS_URL, b"", content_type="multipart/form-data; boundary=x", headers={"content-length": "104857600"}
    )
    assert_problem(response, 413, "request-too-large")


def test_a_chunked_body_is_rejected_if_the_server_does_not_decode_it(shades, api):
    response = api.generic(
        "POST", PREDICTIONS_URL, b"", content_type="application/json", headers={"transfer-encoding": "chunked"}
    )
    assert_problem(response, 411, "length-required")


@pytest.mark.parametrize(
    ("name", "stored_name"),
    [
        ("../../etc/x.png", "x.png"),
        ("C:\\x\\y.png", "y.png"),
        ("a" * 300 + ".png", ("a" * 300 + ".png")[:255]),
        ("a\u202eb.png", "ab.png"),
        ('<img src=x onerror="alert(1)">.png', '<img src=x onerror="alert(1)">.png'),
        ("…é🙂.png", "…é🙂.png"),
        ("CON.png", "CON.png"),
        ("x.php", "x.php"),
    ],
)
def test_file_names_are_stored_without_paths_and_control_characters(shades, user, name, stored_name):
    prediction = make_prediction(user, name=name)
    assert prediction.input.original_name == stored_name
    assert prediction.input.image.name.startswith("inputs/")
    assert prediction.input.image.name.endswith(f"{prediction.input.id}.png")
