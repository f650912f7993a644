import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from core.formatting import format_percent
from core.tests.pages import get_text
from inference.tests.factories import make_image, make_noise_image
from predictions.models import Input, Prediction
from predictions.services import review_prediction
from predictions.tests.factories import make_image_file, make_prediction

pytestmark = pytest.mark.django_db


def test_an_upload_leads_to_its_result(shades, signed_in, user):
    response = signed_in.post("/", {"image": make_image_file(), "model": "shades", "client_reference": "mine"}, follow=True)
    prediction = Prediction.objects.get()
    assert response.redirect_chain == [(prediction.get_absolute_url(), 302)]
    assert (prediction.source, prediction.user, prediction.client_reference) == ("web", user, "mine")
    assert "white" in get_text(response)
    assert escape(format_percent(prediction.confidence)) in get_text(response)


def test_several_files_at_once_show_all_results(shades, signed_in):
    response = signed_in.post(
        "/", {"image": [make_image_file(make_image(0)), make_image_file(make_image(255))], "model": "shades"}, follow=True
    )
    assert [prediction.label for prediction in Prediction.objects.order_by("id")] == ["black", "white"]
    assert response.content.decode().count("<article") == 2


def test_one_bad_file_does_not_hold_up_the_others_and_nothing_typed_is_lost(shades, signed_in):
    files = [make_image_file(b"text", "notes.txt"), make_image_file(make_image(255), "good.png")]
    response = signed_in.post("/", {"image": files, "model": "shades", "client_reference": "batch 9"})
    assert response.status_code == 400
    assert "notes.txt: The file is not an image. Send a JPEG, PNG or WebP image." in get_text(response)
    assert 'value="batch 9"' in response.content.decode()
    assert Prediction.objects.get().input.original_name == "good.png"
    assert response.content.decode().count("<article") == 1


@pytest.mark.parametrize(
    ("data", "status", "says"),
    [
        (None, 400, "Choose an image first"),
        (b"", 400, "The file is empty"),
        (b"GIF89a" + b"\0" * 90, 415, "Expected a JPEG, PNG or WebP image. Received: GIF."),
        (make_noise_image(1)[:100], 400, "The image is cut off"),
        (make_noise_image(1) + b"\0" * (10 * 2**20), 413, "larger than 10,485,760 bytes"),
    ],
)
def test_a_refusal_stands_beside_the_field(shades, signed_in, data, status, says):
    fields = {} if data is None else {"image": make_image_file(data)}
    response = signed_in.post("/", {**fields, "model": "shades"})
    assert response.status_code == status
    assert says in get_text(response)
    assert not Input.objects.exists()


def test_a_model_that_is_not_offered_is_refused(shades, signed_in):
    response = signed_in.post("/", {"image": make_image_file(), "model": "nope"})
    assert response.status_code == 404
    assert "There is no model &#x27;nope&#x27;" in get_text(response)
    assert signed_in.get("/", {"model": "nope"}).status_code == 404
    assert not Input.objects.exists()


def test_a_script_gets_a_fragment_per_file(shades, signed_in):
    response = signed_in.post("/", {"image": make_image_file(), "model": "shades"}, headers={"hx-request": "true"})
    assert response.status_code == 201
    assert response.content.decode().lstrip().startswith("<article")
    refused = signed_in.post("/", {"image": make_image_file(b"x"), "model": "shades"}, headers={"hx-request": "true"})
    assert refused.status_code == 400
    assert (
        refused.content.decode().strip()
        == '<p class="error-text">The file is not an image. Send a JPEG, PNG or WebP image.</p>'
    )


def test_a_failed_model_is_shown_as_failed(register_failing, signed_in):
    register_failing(nan=True)
    response = signed_in.post("/", {"image": make_image_file(), "model": "failing"}, follow=True)
    assert "No answer" in get_text(response)
    assert "not finite" in get_text(response)


def test_a_form_without_csrf_token_is_a_readable_page(shades, user):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(user)
    response = strict.post("/", {"image": make_image_file()})
    assert response.status_code == 403
    assert "Go back, reload the page and send it again" in get_text(response)


def test_the_page_without_a_model_says_how_to_get_one(signed_in):
    assert "register_model examples/digits --promote" in get_text(signed_in.get("/"))


def test_results_of_others_are_not_shown(shades, signed_in, other):
    theirs = make_prediction(other)
    assert "<article" not in signed_in.get(f"/?shown={theirs.id}&shown=x").content.decode()


# --- history


@pytest.mark.parametrize("fragment", [False, True])
def test_history_pages_both_ways(shades, signed_in, user, monkeypatch, fragment):
    monkeypatch.setattr("predictions.views.history.PAGE", 3)
    rows = [make_prediction(user, name=f"n{number}.png") for number in range(7)]
    headers = {"hx-request": "true"} if fragment else {}
    names = lambda response: re.findall(r"n\d\.png", response.content.decode())  # noqa: E731
    address = reverse("predictions:history")
    first = signed_in.get(address, headers=headers)
    assert names(first) == ["n6.png", "n5.png", "n4.png"]
    second = signed_in.get(address, {"older": rows[4].id}, headers=headers)
    assert names(second) == ["n3.png", "n2.png", "n1.png"]
    third = signed_in.get(address, {"older": rows[1].id}, headers=headers)
    assert names(third) == ["n0.png"]
    assert "Older →" not in get_text(third)
    assert names(signed_in.get(address, {"newer": rows[3].id}, headers=headers)) == ["n6.png", "n5.png", "n4.png"]
    assert ("<html" in first.content.decode()) is not fragment
    assert "HX-Request" in first["Vary"]


def test_history_filters_and_keeps_them_in_the_links(shades, signed_in, user, monkeypatch):
    monkeypatch.setattr("predictions.views.history.PAGE", 1)
    for shade in (0, 0, 255):
        make_prediction(user, make_image(shade))
    response = signed_in.get(reverse("predictions:history"), {"label": "black", "status": ""})
    assert response.content.decode().count("<time") == 1
    assert "label=black&amp;older=" in response.content.decode()


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({}, "No predictions yet"),
        ({"label": "zzz"}, "Nothing matches"),
        ({"min_confidence": "abc"}, "Confidence from: Enter a number"),
        ({"labell": "7"}, "There is no filter “labell”"),
        ({"user": "ada"}, "There is no filter “user”"),
        ({"older": "abc"}, "No predictions yet"),
        ({"label": "\0"}, "Null characters"),
    ],
)
def test_an_empty_history_is_friendly(signed_in, query, says):
    response = signed_in.get(reverse("predictions:history"), query)
    assert response.status_code == 200
    assert says in get_text(response)


def test_history_shows_others_rows_to_reviewers_only(shades, client, user, other, reviewer):
    make_prediction(user, name="mine.png")
    address = reverse("predictions:history")
    for person, sees in ((other, False), (reviewer, True), (user, True)):
        client.force_login(person)
        assert ("mine.png" in client.get(address).content.decode()) is sees


@pytest.mark.parametrize("count", [1, 24])
def test_history_takes_as_many_queries_however_long(shades, signed_in, user, count, django_assert_max_num_queries):
    for _ in range(count):
        make_prediction(user)
    with django_assert_max_num_queries(4):  # the session; the user; the rows; their reviews
        page = signed_in.get(reverse("predictions:history"), headers={"hx-request": "true"})
    assert page.content.decode().count("<time") == count
    with django_assert_max_num_queries(6):  # and the models and labels to choose from
        assert signed_in.get(reverse("predictions:history")).content.decode().count("<time") == count


def test_history_offers_models_and_labels_and_takes_others_too(shades, signed_in):
    page = signed_in.get("/predictions/", {"model": "shades:1"}).content.decode()
    assert '<option value="shades">' in page
    assert '<option value="shades:1" selected>' in page
    assert [label for label in ("black", "grey", "white") if f'<option value="{label}"></option>' in page] == [
        "black",
        "grey",
        "white",
    ]


def test_the_address_of_a_filtered_history_holds_what_is_set(shades, signed_in):
    fragment = signed_in.get("/predictions/", {"model": "", "label": "a b", "user": ""}, headers={"hx-request": "true"})
    assert fragment["HX-Push-Url"] == "/predictions/?label=a+b"
    assert "HX-Push-Url" not in signed_in.get("/predictions/", {"label": "a b"})


def test_a_shortcut_adds_to_what_is_set(shades, signed_in, user):
    review_prediction(prediction=make_prediction(user), reviewer=user, true_label="grey")
    page = signed_in.get("/predictions/", {"verdict": "incorrect"}).content.decode()
    assert "judged wrong" not in page
    assert 'href="/predictions/?max_confidence=0.8"' in page
    page = signed_in.get("/predictions/", {"model": "shades", "created_after": "2026-01-01T00:00"}).content.decode()
    assert 'href="/predictions/?model=shades&amp;created_after=2026-01-01T00%3A00&amp;status=failed"' in page
    today = f"{timezone.now():%Y-%m-%d}T00%3A00"
    assert f'href="/predictions/?model=shades&amp;created_after={today}"' in page


def test_today_and_yesterday_are_one_click(shades, signed_in, user):
    old = make_prediction(user, name="old.png")
    Prediction.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=1))
    make_prediction(user, name="new.png")
    page = signed_in.get("/predictions/")
    for words, name in (("today", "new.png"), ("yesterday", "old.png")):
        address = dict(page.context["days"])[words]
        assert re.findall(r"\w+\.png", signed_in.get(address).content.decode()) == [name]
    assert len(re.findall(r"\w+\.png", signed_in.get(page.context["days"][2][1]).content.decode())) == 2


def test_a_signed_out_script_is_led_to_the_page_to_sign_in(client):
    answer = client.get("/predictions/?model=iris", headers={"hx-request": "true"})
    assert answer.status_code == 200
    assert answer["HX-Redirect"] == "/accounts/login/?next=/predictions/%3Fmodel%3Diris"
    assert client.get("/predictions/").status_code == 302


def test_the_way_back_shows_the_list_as_it_is_now(shades, signed_in):
    assert signed_in.get("/predictions/")["Cache-Control"] == "private, no-store"


def test_chips_speak_as_the_page_does(shades, signed_in):
    chips = signed_in.get("/predictions/", {"max_confidence": "0.8", "created_after": "2026-01-31T12:00"}).context["chips"]
    assert [(chip.name, chip.value) for chip in chips] == [("Confidence to", "80 %"), ("From", "2026-01-31T12:00")]
    assert chips[1].moment == datetime(2026, 1, 31, 12, tzinfo=UTC)
    broken = signed_in.get("/predictions/", {"max_confidence": "x", "created_after": "x"}).context["chips"]
    assert [(chip.value, chip.moment) for chip in broken] == [("x", None), ("x", None)]


def test_history_shows_what_was_said_of_a_row(shades, signed_in, user):
    review_prediction(prediction=make_prediction(user), reviewer=user, true_label="grey")
    assert '<span class="badge verdict incorrect">really grey</span>' in signed_in.get("/predictions/").content.decode()
    assert "badge verdict" not in signed_in.get("/predictions/?reviewed=false").content.decode()


# --- detail, thumbnails, models


def test_the_detail_shows_everything_stored_escaped(shades, signed_in, user):
    prediction = make_prediction(user, name="<script>alert(1)</script>.png", client_reference="{{7*7}}")
    html = signed_in.get(prediction.get_absolute_url()).content.decode()
    for shown in (prediction.id, prediction.input_id, prediction.input.sha256, shades.sha256, "shades:1", "{{7*7}}"):
        assert str(shown) in html
    assert "<script>alert" not in html
    assert "curl -F image=@image.png -F model=shades:1" in html


def test_a_thumbnail_is_made_once_and_small(shades, signed_in, user, monkeypatch):
    prediction = make_prediction(user, make_image(9, size=(600, 400)))
    address = reverse("predictions:thumbnail", args=[prediction.input_id])
    first = signed_in.get(address)
    assert (first["Content-Type"], first.content[8:12]) == ("image/webp", b"WEBP")
    assert "private" in first["Cache-Control"]
    monkeypatch.setattr("predictions.services.stored_files.thumbnail", None)
    assert signed_in.get(address).content == first.content


def test_a_thumbnail_of_a_damaged_file_does_not_break_the_list(shades, signed_in, user):
    prediction = make_prediction(user)
    prediction.input.image.storage.delete(prediction.input.image.name)
    assert signed_in.get(reverse("predictions:thumbnail", args=[prediction.input_id])).status_code == 410
    assert signed_in.get(reverse("predictions:history")).status_code == 200


def test_models_have_pages(shades, signed_in):
    assert "shades" in get_text(signed_in.get(reverse("predictions:models")))
    page = get_text(signed_in.get(reverse("predictions:model", args=["shades"])))
    for shown in ("black, grey, white", shades.sha256, "production", "8 × 8 pixels, grey"):
        assert shown in page
    assert signed_in.get(reverse("predictions:model", args=["nope"])).status_code == 404


@pytest.mark.parametrize("name", ["predictions:predict", "predictions:history", "accounts:tokens", "docs"])
def test_pages_forbid_inline_code(shades, signed_in, name):
    response = signed_in.get(reverse(name))
    policy = response["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    html = response.content.decode()
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", html)


def test_the_404_page_helps(signed_in):
    response = signed_in.get("/nothing/here/")
    assert response.status_code == 404
    assert "To the start page" in get_text(response)
