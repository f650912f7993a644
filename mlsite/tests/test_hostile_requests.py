"""Bodies that are cut off, of the maximum size, or with unusual file names. The package `hostile` has the others."""

import pytest
from django.test import Client

from core.tests.problems import assert_problem
from inference.tests.factories import make_noise_image
from predictions.models import Input
from predictions.tests.factories import PREDICTIONS_URL, make_prediction, make_upload

pytestmark = pytest.mark.django_db


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


def test_an_image_can_have_exactly_the_maximum_size(shades, api, settings):
    base = make_noise_image(1)
    limit = settings.MAX_UPLOAD_BYTES
    assert api.post(PREDICTIONS_URL, {"image": make_upload(base + b"\0" * (limit - len(base)))}).status_code == 201
    assert_problem(
        api.post(PREDICTIONS_URL, {"image": make_upload(base + b"\0" * (limit - len(base) + 1))}), 413, "file-too-large"
    )


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
