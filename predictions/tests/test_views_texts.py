"""The pages for models that take text."""

import re
from html import escape

import pytest
from django.urls import reverse

from core.tests.pages import get_text
from predictions.models import Input, Prediction
from predictions.services import predict

pytestmark = [pytest.mark.django_db, pytest.mark.once]
HTMX = {"hx-request": "true"}
HOSTILE_TEXT = "<script>alert(1)</script> \u202eevil & 'quoted' {{ 7 }}"


def read_text_area(response) -> str:
    return re.search(r"<textarea[^>]*>\r?\n?(.*?)</textarea>", response.content.decode(), re.DOTALL)[1]


def test_the_form_shows_the_title_the_limit_and_the_example(reviews, signed_in):
    response = signed_in.get("/", {"model": "reviews"})
    assert 'data-max-length="50"' in response.content.decode()
    text = get_text(response)
    for part in ("Review", "As written by the customer. Up to 50 characters", "Fill in the example"):
        assert part in text, part
    assert read_text_area(signed_in.get("/", {"model": "reviews", "example": "1"})) == "Großartig"


def test_a_text_is_stored_with_the_line_breaks_of_the_page(reviews, signed_in):
    data = {"model": "reviews", "text": " two\r\nlines ", "client_reference": "r-1"}
    response = signed_in.post("/", data, follow=True)
    prediction = Prediction.objects.select_related("input").get()
    assert response.redirect_chain == [(f"/?model=reviews&shown={prediction.pk}", 302)]
    assert (prediction.input.text, prediction.value, prediction.source) == (" two\nlines ", 11, "web")
    assert prediction.client_reference == "r-1"
    assert read_text_area(response) == " two\nlines "
    assert "two lines ·" in get_text(response)


def test_htmx_request_returns_the_form_and_the_result(reviews, signed_in):
    response = signed_in.post("/", {"model": "reviews", "text": HOSTILE_TEXT}, headers=HTMX)
    html = response.content.decode()
    assert response.status_code == 201
    assert html.lstrip().startswith("<form")
    assert html.count("<article") == 1
    assert HOSTILE_TEXT not in html
    assert read_text_area(response) == escape(HOSTILE_TEXT)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "This field is required."),
        ("a" * 51, "Expected text of at most 50 characters. Received: 51."),
        ("a\0", "Null characters are not allowed."),
    ],
)
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_an_invalid_text_stays_in_the_form(reviews, signed_in, text, message, headers):
    response = signed_in.post("/", {"model": "reviews", "text": text}, headers=headers)
    assert response.status_code == 400
    assert message in get_text(response)
    assert read_text_area(response).replace("\ufffd", "\0") == text
    assert not Input.objects.exists()


def test_every_page_shows_the_text_escaped(reviews, user, reviewer, client, superuser):
    prediction = predict(user=user, source="api", model="reviews", text=HOSTILE_TEXT)
    client.force_login(reviewer)
    urls = [
        prediction.get_absolute_url(),
        reverse("predictions:history"),
        reverse("admin:predictions_prediction_changelist"),
        reverse("admin:predictions_input_changelist"),
        reverse("admin:predictions_prediction_change", args=[prediction.pk]),
        reverse("admin:predictions_input_change", args=[prediction.input_id]),
    ]
    for url in urls:
        html = client.get(url).content.decode()
        assert "<script>alert(1)" not in html, url
        assert escape(HOSTILE_TEXT) in html, url
    queue = reverse("admin:predictions_review_queue")
    html = client.post(queue, {"action": "start"}, follow=True).content.decode()
    assert escape(HOSTILE_TEXT) in html
    assert "<script>alert(1)" not in html


def test_lists_show_the_start_of_a_long_text_in_one_line(reviews, user, signed_in, settings):
    Prediction.objects.all().delete()
    prediction = predict(user=user, source="api", model="reviews", text="a\n b")
    row = prediction.input
    row.features = {"text": "word\n\n" * 5000}
    row.save()
    html = signed_in.get(reverse("predictions:history")).content.decode()
    shown = re.search(r'class="feature-line"[^>]*>(.*?)</span>', html)[1]
    assert shown == ("word " * 24)[:119] + "…"
    assert len(html) < 50_000
    row.features = {"text": " "}
    row.save()
    assert "(empty text)" in get_text(signed_in.get(reverse("predictions:history")))


def test_the_model_page_describes_the_text_and_the_request(reviews, signed_in):
    response = signed_in.get(reviews.model.get_absolute_url())
    text = get_text(response)
    assert "Review: text of up to 50 characters" in text
    assert "text regression" in text
    code = [snippet.code for snippet in response.context["snippets"]]
    assert '{"model": "reviews", "text": "It works."}' in code[0]
    assert "'text': 'It works.'" in code[1]


def test_the_detail_page_repeats_the_text(reviews, user, signed_in):
    prediction = predict(user=user, source="api", model="reviews", text="it's\n")
    response = signed_in.get(prediction.get_absolute_url())
    assert "5 characters · 5 bytes" in get_text(response)
    assert '"text": "it\'\\\'\'s\\n"}' in response.context["snippets"][0].code


def test_an_example_is_run_with_a_click(reviews, signed_in):
    response = signed_in.post(reverse("predictions:example", args=["reviews"]), {"model": "reviews"})
    prediction = Prediction.objects.select_related("input").get()
    assert response.url == prediction.get_absolute_url()
    assert (prediction.input.text, prediction.value) == ("Großartig", 9)


def test_a_text_has_no_thumbnail(reviews, user, signed_in):
    prediction = predict(user=user, source="api", model="reviews", text="a")
    assert signed_in.get(reverse("predictions:thumbnail", args=[prediction.input_id])).status_code == 404
    assert signed_in.get(reverse("api:input-image", args=[prediction.input_id])).status_code == 404
