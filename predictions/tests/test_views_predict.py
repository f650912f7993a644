"""The Predict page for models that take images."""

import pytest
from django.test import Client
from django.utils.html import escape

from core.formatting import format_percent
from core.tests.pages import get_text
from inference.tests.factories import make_image, make_noise_image
from predictions.models import Input, Prediction
from predictions.tests.factories import make_image_file, make_prediction, move_alias_after_resolving
from registry.services import register_model

pytestmark = [pytest.mark.django_db, pytest.mark.once]
HTMX = {"hx-request": "true"}
RESULT = '<article class="result'


def test_upload_redirects_to_the_prediction(shades, signed_in, user):
    response = signed_in.post("/", {"image": make_image_file(), "model": "shades", "client_reference": "mine"}, follow=True)
    prediction = Prediction.objects.get()
    assert response.redirect_chain == [(prediction.get_absolute_url(), 302)]
    assert (prediction.source, prediction.user, prediction.client_reference) == ("web", user, "mine")
    assert "white" in get_text(response)
    assert escape(format_percent(prediction.confidence)) in get_text(response)


def test_upload_of_several_files_shows_all_results(shades, signed_in):
    response = signed_in.post(
        "/", {"image": [make_image_file(make_image(0)), make_image_file(make_image(255))], "model": "shades"}, follow=True
    )
    assert [prediction.label for prediction in Prediction.objects.order_by("id")] == ["black", "white"]
    assert response.content.decode().count(RESULT) == 2


def test_rejected_file_does_not_stop_the_others_and_keeps_typed_text(shades, signed_in):
    files = [make_image_file(b"text", "notes.txt"), make_image_file(make_image(255), "good.png")]
    response = signed_in.post("/", {"image": files, "model": "shades", "client_reference": "batch 9"})
    assert response.status_code == 400
    assert "notes.txt: The file is not an image. Send a JPEG, PNG, or WebP image." in get_text(response)
    assert 'value="batch 9"' in response.content.decode()
    assert Prediction.objects.get().input.original_name == "good.png"
    assert response.content.decode().count(RESULT) == 1


@pytest.mark.parametrize(
    ("data", "status", "message"),
    [
        (None, 400, "Choose a JPEG, PNG, or WebP image."),
        (b"", 400, "The file is empty"),
        (b"GIF89a" + b"\0" * 90, 415, "GIF images are not supported. Send a JPEG, PNG, or WebP image."),
        (make_noise_image(1)[:100], 400, "The image is incomplete"),
        (make_noise_image(1) + b"\0" * (10 * 2**20), 413, "The file is too large (10.1 MB). The limit is 10 MB."),
    ],
    ids=["no file", "empty file", "GIF", "incomplete", "too large"],
)
def test_error_is_shown_with_the_field(shades, signed_in, data, status, message):
    fields = {} if data is None else {"image": make_image_file(data)}
    response = signed_in.post("/", {**fields, "model": "shades"})
    assert response.status_code == status
    assert message in get_text(response)
    assert not Input.objects.exists()


def test_unknown_model_is_rejected(shades, signed_in):
    response = signed_in.post("/", {"image": make_image_file(), "model": "nope"})
    assert response.status_code == 404
    assert "No model named &#x27;nope&#x27; is in use." in get_text(response)
    assert signed_in.get("/", {"model": "nope"}).status_code == 404
    assert not Input.objects.exists()


def test_htmx_upload_returns_the_result_only(shades, signed_in):
    response = signed_in.post("/", {"image": make_image_file(), "model": "shades"}, headers=HTMX)
    assert response.status_code == 201
    assert response.content.decode().lstrip().startswith("<article")
    rejected = signed_in.post("/", {"image": make_image_file(b"x"), "model": "shades"}, headers=HTMX)
    assert rejected.status_code == 400
    assert rejected["Content-Type"] == "text/plain; charset=utf-8"
    assert rejected.content.decode() == "The file is not an image. Send a JPEG, PNG, or WebP image."


def test_htmx_upload_of_a_signed_out_user_is_rejected_with_a_message(shades, client):
    response = client.post("/", {"image": make_image_file(), "model": "shades"}, headers=HTMX)
    assert response.status_code == 401
    assert response.content.decode() == "You are signed out. Sign in in another tab, then try again."
    assert not Prediction.objects.exists()


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "fragment"])
def test_a_full_disk_is_reported_as_such(shades, signed_in, fill_disk, headers):
    response = signed_in.post("/", {"image": make_image_file(), "model": "shades"}, headers=headers)
    assert response.status_code == 507
    assert "No space is left for uploaded files." in get_text(response)
    assert "Errno" not in get_text(response)
    assert not Input.objects.exists()


def test_failed_prediction_is_shown_as_failed(register_failing, signed_in):
    register_failing(nan=True)
    response = signed_in.post("/", {"image": make_image_file(), "model": "failing"}, follow=True)
    assert "Failed" in get_text(response)
    assert "not finite" in get_text(response)
    htmx_response = signed_in.post("/", {"image": make_image_file(), "model": "failing"}, headers=HTMX)
    assert "Your input has been saved." in get_text(htmx_response)


def test_missing_csrf_token_gives_an_error_page(shades, user):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(user)
    response = strict.post("/", {"image": make_image_file()})
    assert response.status_code == 403
    assert "reload the page, and submit the form again" in get_text(response)


def test_page_without_models_explains_how_to_register_one(signed_in, user):
    assert "The operator of this site has to register one." in get_text(signed_in.get("/"))
    user.is_staff = True
    user.save()
    assert ".venv/bin/python manage.py register_model examples/digits --promote" in get_text(signed_in.get("/"))


def test_results_of_other_users_are_not_shown(shades, signed_in, other):
    prediction = make_prediction(other)
    assert RESULT not in signed_in.get(f"/?shown={prediction.id}&shown=x").content.decode()


def test_promotion_during_an_upload_does_not_change_the_version(shades, write_dummy, signed_in):
    second = register_model(path=write_dummy(fixed=[1, 0, 0]))
    with move_alias_after_resolving(second) as resolving_queries:
        signed_in.post("/", {"image": [make_image_file(), make_image_file()], "model": "shades"})
    assert [(row.model_version, row.label) for row in Prediction.objects.all()] == [(shades, "white")] * 2
    assert len(resolving_queries) == 1
    signed_in.post("/", {"image": make_image_file(), "model": "shades"})
    assert Prediction.objects.order_by("-id").first().label == "black"
