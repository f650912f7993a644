"""The pages for models that take an image and features."""

import re
from html import unescape

import pytest
from django.urls import reverse

from core.tests.pages import get_text
from inference.tests.factories import make_image
from predictions.models import Input, Prediction
from predictions.services import predict
from predictions.tests.factories import make_image_file

pytestmark = pytest.mark.django_db
HTMX = {"hx-request": "true"}
WHITE = make_image(255, size=(8, 8))


def make_form(image=WHITE, **values):
    files = {} if image is None else {"image": make_image_file(image)}
    return {"model": "parcels", "feature-0": "2.5", "feature-1": "true", **files, **values}


@pytest.fixture
def parcel(parcels, user):
    return predict(
        user=user, source="api", model="parcels", image=make_image_file(WHITE), features={"weight": 2.5, "express": True}
    )


def test_the_form_has_an_image_and_the_features(parcels, signed_in):
    html = signed_in.get("/", {"model": "parcels"}).content.decode()
    form = re.search(r"<form[^>]*features-form.*?</form>", html, re.DOTALL).group()
    assert 'enctype="multipart/form-data"' in form
    assert 'hx-encoding="multipart/form-data"' in form
    file_input = re.search(r'<input[^>]*type="file"[^>]*>', form).group()
    for attribute in ('name="image"', "required", "hx-preserve", 'accept="image/jpeg,image/png,image/webp"'):
        assert attribute in file_input, attribute
    assert "Weight (kg)" in form


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_an_image_and_features_are_predicted_together(parcels, signed_in, headers):
    response = signed_in.post("/", make_form(), headers=headers, follow=True)
    prediction = Prediction.objects.select_related("input").get()
    assert (prediction.value, prediction.input.kind) == (64 + 2.5 + 1, "image-tabular")
    html = response.content.decode()
    assert html.count("<article") == 1
    assert reverse("predictions:thumbnail", args=[prediction.input_id]) in html
    assert 'value="2.5"' in html
    assert "weight 2.5 kg, express true ·" in get_text(response)


@pytest.mark.parametrize(
    ("form", "message"),
    [
        (make_form(image=None), "Choose a JPEG, PNG, or WebP image."),
        (make_form(image=b""), "The file is empty."),
        (make_form(image=b"text"), "The file is not an image."),
        (make_form(**{"feature-0": "-1"}), "Expected a number of at least 0 kg, such as 2.5. Received: -1."),
        (make_form(**{"feature-0": ""}), "This field is required."),
    ],
)
def test_invalid_parts_are_rejected_in_the_form(parcels, signed_in, form, message):
    response = signed_in.post("/", form)
    assert response.status_code in (400, 415)
    assert message in get_text(response)
    assert not Input.objects.exists()


def test_a_csv_row_fills_in_the_features(parcels, signed_in):
    html = signed_in.post("/", make_form(image=None, fill="1", csv="7,false")).content.decode()
    assert 'value="7"' in html
    assert '<option value="false" selected>' in html
    assert not Input.objects.exists()


def test_pages_show_the_image_and_the_features(parcel, reviewer, client):
    client.force_login(reviewer)
    image_url, thumbnail_url = (
        reverse("api:input-image", args=[parcel.input_id]), reverse("predictions:thumbnail", args=[parcel.input_id])
    )  # fmt: skip
    assert client.get(thumbnail_url)["Content-Type"] == "image/webp"
    pages = {
        parcel.get_absolute_url(): image_url,
        reverse("predictions:history"): thumbnail_url,
        reverse("admin:predictions_prediction_changelist"): thumbnail_url,
        reverse("admin:predictions_prediction_change", args=[parcel.pk]): thumbnail_url,
        reverse("admin:predictions_input_change", args=[parcel.input_id]): thumbnail_url,
    }
    for page, url in pages.items():
        response = client.get(page)
        assert url in response.content.decode(), page
        assert re.search("weight[^a-z]*2.5", unescape(get_text(response))), page
    queue = client.post(reverse("admin:predictions_review_queue"), {"action": "start"}, follow=True)
    assert image_url in queue.content.decode()
    assert re.search("weight *2.5 kg", get_text(queue))


def test_the_model_page_describes_both_parts_and_the_request(parcels, signed_in):
    response = signed_in.get(parcels.model.get_absolute_url())
    assert re.search(r"resized to 8 × 8, grayscale .* Row of 2 features", get_text(response))
    curl, python, javascript = (snippet.code for snippet in response.context["snippets"])
    assert (
        """-F image=@image.png -F model=parcels \\\n  --form-string 'features={"weight": 2.5, "express": false}'""" in curl
    )
    assert "\"features\": json.dumps({'weight': 2.5, 'express': False})" in python
    assert 'body.append("features", JSON.stringify({"weight": 2.5, "express": false}));' in javascript
    compile(python, "snippet", "exec")


def test_the_result_page_repeats_the_features(parcel, signed_in):
    response = signed_in.get(parcel.get_absolute_url())
    assert '"weight": 2.5, "express": true' in response.context["snippets"][0].code
