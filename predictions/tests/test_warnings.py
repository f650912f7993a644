"""Warnings of predictions in the API, on the pages, in the admin, in the export, and on the command line."""

import csv
import io
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from core.tests.commands import run_command
from inference.tests.factories import make_image, make_noise_image
from predictions.models import Prediction
from predictions.tests.factories import PREDICTIONS_URL, make_prediction

pytestmark = pytest.mark.django_db
MESSAGE = "After preprocessing, all pixels of this image are equal or nearly equal. The model saw an empty image."
WARNINGS = [{"code": "uniform-image", "message": MESSAGE}]


def test_a_prediction_of_an_empty_image_is_stored_with_a_warning(shades, user):
    empty, ordinary = (
        Prediction.objects.get(pk=make_prediction(user, data).pk) for data in (make_image(255), make_noise_image(1))
    )
    assert (empty.status, empty.label, empty.warnings) == ("succeeded", "white", WARNINGS)
    assert ordinary.warnings == []


def test_a_row_of_features_has_no_warnings(flowers, api):
    body = {"model": "flowers", "features": {"length": 4, "petals": 5}}
    assert api.post(PREDICTIONS_URL, body, content_type="application/json").json()["warnings"] == []


def test_the_api_returns_warnings(shades, api):
    upload = SimpleUploadedFile("white.png", make_image(255), "image/png")
    body = api.post(PREDICTIONS_URL, {"image": upload}).json()
    assert body["warnings"] == WARNINGS
    assert api.get(body["url"]).json()["warnings"] == WARNINGS


def test_pages_show_warnings(shades, user, signed_in):
    prediction = make_prediction(user, make_image(255))
    assert MESSAGE in signed_in.get(prediction.get_absolute_url()).content.decode()
    upload = SimpleUploadedFile("white.png", make_image(255), "image/png")
    card = signed_in.post(reverse("predictions:predict"), {"image": upload, "model": "shades"}, follow=True)
    assert MESSAGE in card.content.decode()
    ordinary = make_prediction(user, make_noise_image(1))
    assert "Warning:" not in signed_in.get(ordinary.get_absolute_url()).content.decode()


def test_the_admin_shows_warnings(shades, user, superuser, client):
    prediction = make_prediction(user, make_image(255))
    client.force_login(superuser)
    assert MESSAGE in client.get(reverse("admin:predictions_prediction_change", args=[prediction.pk])).content.decode()


def test_the_review_queue_shows_warnings(shades, user, superuser, client):
    make_prediction(user, make_image(255))
    client.force_login(superuser)
    address = f"{reverse('admin:predictions_review_queue')}?version={shades.pk}&order=newest"
    assert MESSAGE in client.post(address, {"action": "start"}, headers={"hx-request": "true"}).content.decode()


def test_the_export_contains_warnings(shades, user, api):
    make_prediction(user, make_image(255))
    make_prediction(user, make_noise_image(1))

    def export(format):
        return b"".join(api.get(f"{PREDICTIONS_URL}export/", {"format": format}).streaming_content).decode()

    assert [json.loads(line)["warnings"] for line in export("jsonl").splitlines()] == [None, WARNINGS]
    cells = [row["warnings"] for row in csv.DictReader(io.StringIO(export("csv"), newline=""))]
    assert (cells[0], json.loads(cells[1])) == ("", WARNINGS)


def test_the_command_prints_warnings(shades, tmp_path):
    path = tmp_path / "white.png"
    path.write_bytes(make_image(255))
    assert json.loads(run_command("predict", "shades", path, "--json")[0])["warnings"] == WARNINGS
    assert run_command("predict", "shades", path)[1].strip() == f"{path}: {MESSAGE}"
