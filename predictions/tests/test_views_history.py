"""The History page."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from core.tests.pages import get_text
from inference.tests.factories import make_image
from predictions.models import Prediction
from predictions.services import predict, review_prediction
from predictions.tests.factories import change_predictions, make_prediction
from predictions.views import history

pytestmark = pytest.mark.django_db
HTMX = {"hx-request": "true"}
URL = "/predictions/"


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "fragment"])
def test_pages_lead_in_both_directions(shades, signed_in, user, monkeypatch, headers):
    monkeypatch.setattr(history, "PAGE_SIZE", 3)
    rows = [make_prediction(user, name=f"n{number}.png") for number in range(7)]

    def list_names(response):
        return re.findall(r"n\d\.png", response.content.decode())

    first = signed_in.get(URL, headers=headers)
    assert list_names(first) == ["n6.png", "n5.png", "n4.png"]
    second = signed_in.get(URL, {"older": rows[4].id}, headers=headers)
    assert list_names(second) == ["n3.png", "n2.png", "n1.png"]
    third = signed_in.get(URL, {"older": rows[1].id}, headers=headers)
    assert list_names(third) == ["n0.png"]
    assert "Next →" in get_text(second)
    assert "Next →" not in get_text(third)
    assert list_names(signed_in.get(URL, {"newer": rows[3].id}, headers=headers)) == ["n6.png", "n5.png", "n4.png"]
    assert ("<html" in first.content.decode()) is (headers == {})
    assert "HX-Request" in first["Vary"]


def test_links_keep_the_filters(shades, signed_in, user, monkeypatch):
    monkeypatch.setattr(history, "PAGE_SIZE", 1)
    for shade in (0, 0, 255):
        make_prediction(user, make_image(shade))
    response = signed_in.get(URL, {"label": "black", "status": ""})
    assert response.content.decode().count("<time") == 1
    assert "label=black&amp;older=" in response.content.decode()


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({}, "No predictions yet"),
        ({"label": "zzz"}, "No predictions match these filters"),
        ({"min_confidence": "abc"}, "Minimum confidence: Enter a number"),
        ({"labell": "7"}, "Unknown filter: “labell”"),
        ({"user": "ada"}, "Unknown filter: “user”"),
        ({"older": "abc"}, "No predictions yet"),
        ({"label": "\0"}, "Null characters"),
    ],
)
def test_history_without_predictions_explains_why(signed_in, query, message):
    response = signed_in.get(URL, query)
    assert response.status_code == 200
    assert message in get_text(response)


def test_only_the_owner_and_reviewers_see_a_prediction(shades, client, user, other, reviewer):
    make_prediction(user, name="mine.png")
    for viewer, sees_it in ((other, False), (reviewer, True), (user, True)):
        client.force_login(viewer)
        assert ("mine.png" in client.get(URL).content.decode()) is sees_it


@pytest.mark.parametrize("count", [1, 24])
def test_number_of_queries_does_not_depend_on_the_rows(shades, signed_in, user, count, django_assert_max_num_queries):
    for _ in range(count):
        make_prediction(user)
    with django_assert_max_num_queries(5):  # the session, the user, the permissions, the rows, their reviews
        page = signed_in.get(URL, headers=HTMX)
    assert page.content.decode().count("<time") == count
    with django_assert_max_num_queries(7):  # also the models and labels of the filters
        assert signed_in.get(URL).content.decode().count("<time") == count


def test_filters_suggest_models_and_labels_and_accept_others(shades, signed_in):
    page = signed_in.get(URL, {"model": "shades:1"}).content.decode()
    assert '<option value="shades">' in page
    assert '<option value="shades:1" selected>' in page
    suggested = [label for label in ("black", "grey", "white") if f'<option value="{label}"></option>' in page]
    assert suggested == ["black", "grey", "white"]


def test_pushed_address_has_only_the_filters_that_are_set(shades, signed_in):
    fragment = signed_in.get(URL, {"model": "", "label": "a b", "user": ""}, headers=HTMX)
    assert fragment["HX-Push-Url"] == "/predictions/?label=a+b"
    assert "HX-Push-Url" not in signed_in.get(URL, {"label": "a b"})


def test_shortcuts_keep_the_other_filters(shades, signed_in, user):
    review_prediction(prediction=make_prediction(user), reviewer=user, true_label="grey")
    page = signed_in.get(URL, {"verdict": "incorrect"})
    assert "incorrect" not in dict(page.context["shortcut_links"])
    assert 'href="/predictions/?max_confidence=0.8"' in page.content.decode()
    page = signed_in.get(URL, {"model": "shades", "created_after": "2026-01-01T00:00"}).content.decode()
    assert 'href="/predictions/?model=shades&amp;created_after=2026-01-01T00%3A00&amp;status=failed"' in page
    today = f"{timezone.now():%Y-%m-%d}T00%3A00"
    assert f'href="/predictions/?model=shades&amp;created_after={today}"' in page


def test_day_links_select_days(shades, signed_in, user):
    old = make_prediction(user, name="old.png")
    change_predictions(Prediction.objects.filter(pk=old.pk), created_at=timezone.now() - timedelta(days=1))
    make_prediction(user, name="new.png")
    links = dict(signed_in.get(URL).context["day_links"])
    for text, names in (("today", ["new.png"]), ("yesterday", ["old.png"]), ("last 7 days", ["new.png", "old.png"])):
        assert re.findall(r"\w+\.png", signed_in.get(links[text]).content.decode()) == names


def test_htmx_request_of_a_signed_out_user_opens_the_sign_in_page(client):
    response = client.get("/predictions/?model=iris", headers=HTMX)
    assert response.status_code == 200
    assert response["HX-Redirect"] == "/accounts/login/?next=/predictions/%3Fmodel%3Diris"
    assert client.get(URL).status_code == 302


def test_browsers_do_not_cache_the_history(shades, signed_in):
    assert signed_in.get(URL)["Cache-Control"] == "private, no-store"


def test_chips_show_readable_values(shades, signed_in):
    chips = signed_in.get(URL, {"max_confidence": "0.8", "created_after": "2026-01-31T12:00"}).context["chips"]
    assert [(chip.name, chip.value) for chip in chips] == [
        ("Maximum confidence", "80%"),
        ("Created from", "2026-01-31T12:00"),
    ]
    assert chips[1].time == datetime(2026, 1, 31, 12, tzinfo=UTC)
    invalid = signed_in.get(URL, {"max_confidence": "x", "created_after": "x"}).context["chips"]
    assert [(chip.value, chip.time) for chip in invalid] == [("x", None), ("x", None)]


def test_rows_show_their_review(shades, signed_in, user):
    review_prediction(prediction=make_prediction(user), reviewer=user, true_label="grey")
    assert '<span class="badge verdict incorrect">True label: grey</span>' in signed_in.get(URL).content.decode()
    assert "badge verdict" not in signed_in.get(f"{URL}?reviewed=false").content.decode()


def test_images_and_rows_are_listed(flowers, shades, signed_in, user):
    predict(user=user, source="api", features={"length": 4.5, "petals": 5, "wild": True}, model="flowers")
    make_prediction(user, model="shades")
    text = get_text(signed_in.get(URL))
    assert "length 4.5 cm, petals 5, colour white, wild true" in text
    assert "10.5 cm²" in text
    assert "a.png" in text
