"""The page of a prediction, thumbnails, and what all pages share."""

import hashlib
import re
from pathlib import Path

import pytest
from django.urls import reverse
from PIL import Image

from core.tests.pages import get_text
from inference.preprocessing.slots import limit_large_images
from inference.tests.factories import make_image
from predictions.models import Input, Prediction
from predictions.services import predict
from predictions.tests.factories import make_prediction, make_upload

pytestmark = pytest.mark.django_db


def test_detail_shows_the_whole_record_escaped(shades, signed_in, user):
    prediction = make_prediction(user, name="<script>alert(1)</script>.png", client_reference="{{7*7}}")
    html = signed_in.get(prediction.get_absolute_url()).content.decode()
    for value in (prediction.id, prediction.input_id, prediction.input.sha256, shades.sha256, "shades:1", "{{7*7}}"):
        assert str(value) in html
    assert "<script>alert" not in html
    assert "curl -F image=@image.png -F model=shades:1" in html


def test_hash_and_source_have_one_name(shades, signed_in, user):
    prediction = predict(user=user, source="web", image=make_upload())
    detail = get_text(signed_in.get(prediction.get_absolute_url()))
    assert f"Artifact SHA-256 {shades.sha256}" in detail
    assert f"Artifact SHA-256 {shades.sha256}" in get_text(signed_in.get("/models/shades/"))
    assert "Source Web page" in detail
    history = signed_in.get("/predictions/", {"source": "web"}).content.decode()
    assert 'class="fact">Web page</td>' in history
    assert re.search(r'name="source"\s+value="web"\s+checked>\s+Web page', history)
    assert re.search(r"Source:\s+Web page", history)


def test_detail_shows_the_features_of_a_row(flowers, signed_in, user):
    row = predict(user=user, source="api", features={"length": 4.5, "petals": 5, "wild": True}, model="flowers")
    text = get_text(signed_in.get(row.get_absolute_url()))
    for value in ("length 4.5 cm", "petals 5", "wild true", "10.5 cm²", "&quot;model&quot;: &quot;flowers:1&quot;"):
        assert value in text, value


def test_a_failed_prediction_shows_its_version_and_user(register_failing, signed_in, user):
    register_failing(nan=True)
    signed_in.post("/", {"image": make_upload(), "model": "failing"})
    text = get_text(signed_in.get(Prediction.objects.get().get_absolute_url()))
    assert re.search(rf"Failed The model .* failing:2 · .* · {user.username} ", text)


def test_thumbnail_is_a_small_webp_that_is_created_once(shades, signed_in, user):
    prediction = make_prediction(user, make_image(9, size=(600, 400)))
    url = reverse("predictions:thumbnail", args=[prediction.input_id])
    first = signed_in.get(url)
    assert (first["Content-Type"], first.content[8:12]) == ("image/webp", b"WEBP")
    assert "private" in first["Cache-Control"]
    prediction.input.image.storage.delete(prediction.input.image.name)
    assert signed_in.get(url).content == first.content


def test_missing_file_does_not_break_the_history(shades, signed_in, user):
    prediction = make_prediction(user)
    prediction.input.image.storage.delete(prediction.input.image.name)
    assert signed_in.get(reverse("predictions:thumbnail", args=[prediction.input_id])).status_code == 500
    assert signed_in.get(reverse("predictions:history")).status_code == 200


def test_thumbnail_of_a_file_that_cannot_be_decoded_is_reported(shades, signed_in, user):
    """The file is the stored one, but no decoder reads it any more."""
    row = make_prediction(user).input
    data = b"\x89PNG without an image"
    Path(row.image.path).write_bytes(data)
    Input.objects.filter(pk=row.pk).update(sha256=hashlib.sha256(data).hexdigest())
    response = signed_in.get(reverse("predictions:thumbnail", args=[row.pk]))
    assert (response.status_code, response["Content-Type"]) == (500, "text/plain")
    assert b"The stored file is damaged." in response.content


def test_thumbnail_of_a_large_image_has_to_wait_for_others(shades, signed_in, user, monkeypatch):
    monkeypatch.setattr("inference.preprocessing.slots.LARGE_IMAGE_WAIT_SECONDS", 0.01)
    monkeypatch.setattr("inference.preprocessing.slots.LARGE_IMAGE_PIXELS", 1)
    row = make_prediction(user).input
    url = reverse("predictions:thumbnail", args=[row.pk])
    image = Image.new("L", (8, 8))
    with limit_large_images(image), limit_large_images(image):
        response = signed_in.get(url)
    assert (response.status_code, response["Retry-After"]) == (503, "2")
    assert b"too many large images" in response.content
    assert signed_in.get(url).status_code == 200


@pytest.mark.parametrize("name", ["predictions:predict", "predictions:history", "accounts:tokens", "docs"])
def test_pages_forbid_inline_code(shades, signed_in, name):
    response = signed_in.get(reverse(name))
    policy = response["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert ("frame-ancestors 'none'" in policy, response["X-Frame-Options"]) == (True, "DENY")
    html = response.content.decode()
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", html)


def test_pages_show_the_version(shades, signed_in):
    for name in ("predictions:predict", "predictions:models", "docs", "accounts:profile"):
        assert '<footer class="site-footer">' in signed_in.get(reverse(name)).content.decode()


def test_unknown_page_links_to_the_home_page(signed_in):
    response = signed_in.get("/nothing/here/")
    assert response.status_code == 404
    assert "Page not found" in get_text(response)
    assert "Go to the home page" in get_text(response)
