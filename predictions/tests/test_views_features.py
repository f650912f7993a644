"""The home page for models of tables, and the pages that show rows."""

import re

import pytest
from django.urls import reverse

from core.tests.pages import get_text
from predictions.forms import MAX_ON_A_FORM
from predictions.models import Input, Prediction
from predictions.services import predict
from predictions.tests.factories import make_image_file
from registry.services import promote_model, register_model

pytestmark = pytest.mark.django_db
FORM = {
    "model": "flowers",
    "feature-0": "4.5",
    "feature-1": "5",
    "feature-2": "",
    "feature-3": "",
    "client_reference": "r-1",
}


def test_the_form_is_built_from_the_signature(flowers, signed_in):
    html = signed_in.get("/", {"model": "flowers"}).content.decode()
    number = re.search(r'<input[^>]*name="feature-0"[^>]*>', html).group()
    for part in ('type="number"', 'min="0"', 'max="10"', 'step="any"', 'placeholder="such as 4.5"', "required"):
        assert part in number, part
    assert 'step="1"' in re.search(r'<input[^>]*name="feature-1"[^>]*>', html).group()
    choices = re.search(r'<select[^>]*name="feature-2".*?</select>', html, re.DOTALL).group()
    assert re.findall(r'value="(\w*)"', choices) == ["", "white", "red", "blue"]
    assert "(default: white)" in choices
    assert "required" not in choices
    text = get_text(signed_in.get("/", {"model": "flowers"}))
    for said in ("Length (cm)", "0 to 10.", "How many petals it has. Whole number, 0 or more.", "Flowers"):
        assert said in text, said


def test_a_row_is_answered_and_stays_in_the_form(flowers, signed_in, user):
    response = signed_in.post("/", FORM, follow=True)
    prediction = Prediction.objects.select_related("input").get()
    assert response.redirect_chain == [(f"/?model=flowers&shown={prediction.id}", 302)]
    assert (prediction.value, prediction.source, prediction.client_reference) == (9.5, "web", "r-1")
    assert prediction.input.features == {"length": 4.5, "petals": 5, "colour": "white", "wild": False}
    assert "9.5 cm²" in get_text(response)
    html = response.content.decode()
    assert 'value="4.5"' in html
    assert '<option value="white" selected>' in html
    assert '<option value="false" selected>' in html


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"feature-0": "45"}, "Expected a number from 0 to 10 cm, such as 4.5. Received: 45."),
        ({"feature-0": "4,5"}, 'Received: "4,5".'),
        ({"feature-0": ""}, "Missing."),
        ({"feature-0": "1_0"}, 'Received: "1_0".'),
        ({"feature-1": "5.5"}, "Expected a whole number of at least 0, such as 5. Received: 5.5."),
        ({"feature-2": "green"}, "Expected one of white, red, blue"),
        ({"feature-3": "perhaps"}, "Expected true or false"),
        ({"feature-0": "a\0"}, "Null characters are not allowed"),
        ({"client_reference": "x" * 256}, "at most 255"),
    ],
)
def test_a_refusal_stands_beside_its_field_and_nothing_typed_is_lost(flowers, signed_in, change, says):
    from html import unescape

    response = signed_in.post("/", {**FORM, "feature-1": "7", **change})
    assert response.status_code == 400
    assert says in unescape(get_text(response))
    if "feature-1" not in change:
        assert 'value="7"' in response.content.decode()
    assert 'aria-invalid="true"' in response.content.decode()
    assert not Input.objects.exists()


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("1.5,6,red,true", ["1.5", "6", "red", "true"]),
        ("petals;length\n6;1.5", ["1.5", "6", "", ""]),
        ("1.5\t6\t\t", ["1.5", "6", "", ""]),
    ],
)
def test_a_pasted_line_fills_the_form_and_asks_nothing(flowers, signed_in, line, values):
    response = signed_in.post("/", {"model": "flowers", "csv": line, "fill": "1"})
    assert response.status_code == 200
    assert [response.context["form"][f"feature-{number}"].value() for number in range(4)] == values
    assert not Prediction.objects.exists()


def test_a_line_that_does_not_fit_is_named_and_what_was_typed_stays(flowers, signed_in):
    response = signed_in.post("/", {**FORM, "csv": "1,2", "fill": "1"})
    assert response.status_code == 400
    assert "Expected 4 values: length, petals, colour, wild. Received: 2." in get_text(response)
    assert 'value="4.5"' in response.content.decode()
    strange = signed_in.post("/", {**FORM, "csv": "length,petals,hue\n1,2,3", "fill": "1"})
    assert "columns that the model does not take: hue" in get_text(strange)


def test_the_example_fills_the_form(flowers, signed_in):
    form = signed_in.get("/", {"model": "flowers", "example": "1"}).context["form"]
    assert [form[f"feature-{number}"].value() for number in range(4)] == ["4.5", "5", "white", "false"]


def test_the_example_is_asked_by_one_button(flowers, signed_in, user):
    page = signed_in.get(reverse("predictions:model", args=["flowers"])).content.decode()
    address = reverse("predictions:example", args=["flowers"])
    assert address in page
    response = signed_in.post(address, follow=True)
    prediction = Prediction.objects.get()
    assert response.redirect_chain == [(prediction.get_absolute_url(), 302)]
    assert (prediction.value, prediction.user) == (9.5, user)


@pytest.mark.parametrize(("asked", "why"), [("flowers:7", "has no version 7"), ("nope", "There is no model")])
def test_an_example_that_cannot_be_asked_says_why(flowers, signed_in, asked, why):
    response = signed_in.post(reverse("predictions:example", args=["flowers"]), {"model": asked}, follow=True)
    assert "The example could not be asked." in get_text(response)
    assert why in get_text(response)
    assert signed_in.get(reverse("predictions:example", args=["flowers"])).status_code == 405
    assert signed_in.post(reverse("predictions:example", args=["nothing"])).status_code == 404


def test_the_button_of_one_model_does_not_ask_another(flowers, shades, signed_in):
    assert signed_in.post(reverse("predictions:example", args=["shades"]), {"model": "flowers"}).status_code == 404
    assert not Prediction.objects.exists()


def test_the_home_page_offers_each_model_and_shows_its_own_form(flowers, shades, signed_in):
    assert 'type="file"' not in signed_in.get("/").content.decode()  # flowers was registered first
    page = signed_in.get("/", {"model": "shades"}).content.decode()
    assert 'type="file"' in page
    assert 'href="/?model=flowers"' in page
    assert re.search(r'href="/\?model=shades"\s+aria-current="page"', page)
    response = signed_in.post("/", {"model": "shades", "image": make_image_file()})
    assert response.status_code == 302


def test_a_reviewer_asks_a_version_that_is_not_in_use_and_others_may_not(write_rows, client, user, reviewer):
    register_model(path=write_rows())
    client.force_login(reviewer)
    assert "Answered by flowers:1" in get_text(client.get("/", {"model": "flowers:1"}))
    assert client.post("/", {**FORM, "model": "flowers:1"}).status_code == 302
    client.force_login(user)
    assert client.get("/", {"model": "flowers:1"}).status_code == 409
    assert client.post("/", {**FORM, "model": "flowers:1"}).status_code == 409


def test_history_and_detail_show_rows_as_readily_as_pictures(flowers, shades, signed_in, user):
    from predictions.tests.factories import make_prediction

    row = predict(user=user, source="api", features={"length": 4.5, "petals": 5, "wild": True}, model="flowers")
    make_prediction(user, model="shades")
    history = get_text(signed_in.get(reverse("predictions:history")))
    assert "length 4.5 cm, petals 5, colour white, wild true" in history
    assert "10.5 cm²" in history
    detail = get_text(signed_in.get(row.get_absolute_url()))
    for said in ("length 4.5 cm", "petals 5", "wild true", "10.5 cm²", '"model": "flowers:1"'.replace('"', "&quot;")):
        assert said in detail, said


def test_the_model_page_says_what_it_takes_and_how_often_it_was_used(flowers, write_rows, signed_in, user):
    register_model(path=write_rows(factor=2))
    for _ in range(3):
        predict(user=user, source="api", features={"length": 1, "petals": 5}, model="flowers")
    promote_model(name="flowers", number=2, alias="staging")
    text = get_text(signed_in.get(reverse("predictions:model", args=["flowers"])))
    for said in (
        "float in cm",
        "0 to 10",
        "white, red, blue",
        "refused",
        "a number in cm²",
        "3 times, last used",
        "never",
        "staging",
    ):
        assert said in text, said
    for said in ("curl -H", "requests.post(", "await fetch("):
        assert said in text, said


def test_a_damaged_artifact_is_said_on_the_model_page(flowers, signed_in, settings):
    from pathlib import Path

    Path(settings.MODEL_ROOT, flowers.artifact).write_text("{")
    text = get_text(signed_in.get(reverse("predictions:model", args=["flowers"])))
    assert "artifact changed" in text
    assert "The artifact of version 1 is not the registered one. Nothing answers instead." in text


def test_a_model_of_many_features_is_asked_by_program(write_rows, signed_in, client):
    more = "".join(f'[[input.features]]\nname = "f{number}"\nexample = 1\n' for number in range(MAX_ON_A_FORM))
    register_model(path=write_rows(more=more), promote=True)
    page = signed_in.get("/").content.decode()
    assert "more than a form can hold" in page
    assert "feature-0" not in page
    assert "requests.post(" in page


def test_what_a_model_file_says_is_escaped(write_rows, signed_in, user):
    evil = "<script>alert(1)</script>"
    more = f'[[input.features]]\nname = "{evil}"\ntitle = "{evil}"\ndescription = "{evil}"\nunit = "{evil}"\ntype = "text"\n'
    source = write_rows(more=more.replace(f'unit = "{evil}"\n', "") + f'example = "{evil}"\n')
    register_model(path=source, promote=True)
    predict(user=user, source="api", features={"length": 1, "petals": 5, evil: evil})
    prediction = Prediction.objects.get()
    for address in ("/?example=1", "/models/flowers/", "/predictions/", prediction.get_absolute_url()):
        assert "<script>alert" not in signed_in.get(address).content.decode(), address


def test_features_are_called_as_people_call_them(write_rows, signed_in, user):
    more = '[[input.features]]\nname = "leaf_width"\nexample = 1\n'
    more += '[[input.features]]\nname = "f7"\ntitle = "Leaf area"\nexample = 2\n'
    register_model(path=write_rows(more=more), promote=True)
    row = {"length": 1, "petals": 2, "leaf_width": 3, "f7": 4}
    prediction = predict(user=user, source="web", features=row, model="flowers")
    for address in ("/predictions/", prediction.get_absolute_url()):
        page = get_text(signed_in.get(address))
        assert re.search(r"leaf width 3\b.*Leaf area 4\b", page)
    assert signed_in.get(f"/api/v1/predictions/{prediction.pk}/").json()["input"]["features"]["f7"] == 4
