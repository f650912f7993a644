"""The Predict page for models that take rows of features."""

import re
from html import unescape

import pytest
from django.urls import reverse

from core.tests.pages import get_text
from predictions.forms import MAX_FORM_FEATURES
from predictions.models import Input, Prediction
from predictions.services import predict
from predictions.tests.factories import make_image_file, move_alias_after_resolving
from registry.services import register_model

pytestmark = [pytest.mark.django_db, pytest.mark.once]
HTMX = {"hx-request": "true"}
FORM = {
    "model": "flowers",
    "feature-0": "4.5",
    "feature-1": "5",
    "feature-2": "",
    "feature-3": "",
    "client_reference": "r-1",
}


def get_values(response) -> list[str]:
    """Return the values of the four features in the form."""
    return [response.context["form"][f"feature-{index}"].value() for index in range(4)]


def test_form_is_built_from_the_signature(flowers, signed_in):
    html = signed_in.get("/", {"model": "flowers"}).content.decode()
    number = re.search(r'<input[^>]*name="feature-0"[^>]*>', html).group()
    for attribute in ('type="number"', 'min="0"', 'max="10"', 'step="any"', 'placeholder="e.g. 4.5"', "required"):
        assert attribute in number, attribute
    assert 'step="1"' in re.search(r'<input[^>]*name="feature-1"[^>]*>', html).group()
    choices = re.search(r'<select[^>]*name="feature-2".*?</select>', html, re.DOTALL).group()
    assert re.findall(r'value="(\w*)"', choices) == ["", "white", "red", "blue"]
    assert "(default: white)" in choices
    assert "required" not in choices
    text = get_text(signed_in.get("/", {"model": "flowers"}))
    for part in ("Length (cm)", "0 to 10.", "How many petals it has. Whole number, 0 or more.", "Flowers"):
        assert part in text, part


def test_result_is_shown_and_the_row_stays_in_the_form(flowers, signed_in, user):
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


def test_htmx_request_returns_the_form_and_the_result(flowers, signed_in):
    response = signed_in.post("/", FORM, headers=HTMX)
    prediction = Prediction.objects.get()
    assert response.status_code == 201
    assert response["HX-Push-Url"] == f"/?model=flowers&shown={prediction.id}"
    html = response.content.decode()
    assert html.lstrip().startswith("<form")
    assert 'hx-swap-oob="afterbegin:#results"' in html
    assert html.count("<article") == 1
    assert 'value="4.5"' in html
    assert "<html" not in html


def test_htmx_request_with_errors_returns_the_form(flowers, signed_in):
    response = signed_in.post("/", {**FORM, "feature-0": "45"}, headers=HTMX)
    assert response.status_code == 400
    assert "HX-Push-Url" not in response
    html = response.content.decode()
    assert html.lstrip().startswith("<form")
    assert "Received: 45." in html
    assert "<article" not in html
    assert not Input.objects.exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"feature-0": "45"}, "Expected a number from 0 to 10 cm, such as 4.5. Received: 45."),
        ({"feature-0": "4,5"}, 'Received: "4,5".'),
        ({"feature-0": ""}, "This field is required."),
        ({"feature-0": "1_0"}, 'Received: "1_0".'),
        ({"feature-1": "5.5"}, "Expected a whole number of at least 0, such as 5. Received: 5.5."),
        ({"feature-2": "green"}, "Expected one of white, red, blue"),
        ({"feature-3": "perhaps"}, "Expected true or false"),
        ({"feature-0": "a\0"}, "Null characters are not allowed"),
        ({"client_reference": "x" * 256}, "at most 255"),
    ],
)
def test_error_is_shown_with_its_field_and_typed_text_is_kept(flowers, signed_in, change, message):
    response = signed_in.post("/", {**FORM, "feature-1": "7", **change})
    assert response.status_code == 400
    assert message in unescape(get_text(response))
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
        ("1,5;6;NA;null", ["1.5", "6", "", ""]),
    ],
)
@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "fragment"])
def test_csv_row_fills_in_the_form_without_a_prediction(flowers, signed_in, line, values, headers):
    response = signed_in.post("/", {"model": "flowers", "csv": line, "fill": "1"}, headers=headers)
    assert response.status_code == 200
    assert get_values(response) == values
    assert not Prediction.objects.exists()


def test_invalid_csv_row_is_reported_and_typed_text_is_kept(flowers, signed_in):
    response = signed_in.post("/", {**FORM, "csv": "1,2", "fill": "1"})
    assert response.status_code == 400
    assert "Expected 4 values: length, petals, colour, wild. Received: 2." in get_text(response)
    assert re.search(r'<textarea name="csv"[^>]*aria-invalid="true"', response.content.decode())
    assert 'value="4.5"' in response.content.decode()
    response = signed_in.post("/", {**FORM, "csv": "length,petals,hue\n1,2,3", "fill": "1"})
    assert "The model does not use these columns: hue. They were ignored." in get_text(response)
    assert get_values(response)[:2] == ["1", "2"]


def test_example_fills_in_the_form(flowers, signed_in):
    assert get_values(signed_in.get("/", {"model": "flowers", "example": "1"})) == ["4.5", "5", "white", "false"]


def test_page_offers_all_models_and_shows_the_form_of_one(flowers, shades, signed_in):
    assert 'name="image"' not in signed_in.get("/").content.decode()  # flowers was registered first
    page = signed_in.get("/", {"model": "shades"}).content.decode()
    assert 'name="image"' in page
    assert 'href="/?model=flowers"' in page
    assert re.search(r'href="/\?model=shades"\s+aria-current="page"', page)
    response = signed_in.post("/", {"model": "shades", "image": make_image_file()})
    assert response.status_code == 302


def test_only_reviewers_can_use_a_version_without_an_alias(write_rows, client, user, reviewer):
    register_model(path=write_rows())
    client.force_login(reviewer)
    assert "Served by flowers:1" in get_text(client.get("/", {"model": "flowers:1"}))
    assert client.post("/", {**FORM, "model": "flowers:1"}).status_code == 302
    client.force_login(user)
    assert client.get("/", {"model": "flowers:1"}).status_code == 409
    assert client.post("/", {**FORM, "model": "flowers:1"}).status_code == 409
    assert client.post("/", {**FORM, "model": "flowers:1"}, headers=HTMX).status_code == 409


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "fragment"])
def test_promotion_during_a_request_does_not_change_the_version(flowers, write_rows, signed_in, headers):
    second = register_model(path=write_rows(factor=2))
    with move_alias_after_resolving(second) as resolving_queries:
        signed_in.post("/", FORM, headers=headers)
    prediction = Prediction.objects.get()
    assert (prediction.model_version, prediction.value) == (flowers, 9.5)
    assert len(resolving_queries) == 1
    signed_in.post("/", FORM)
    assert Prediction.objects.order_by("-id").first().value == 19


def test_promotion_does_not_mix_the_signatures_of_versions(flowers, write_rows, signed_in):
    """The new version requires a feature that the submitted form did not have."""
    second = register_model(path=write_rows(more='[[input.features]]\nname = "height"\nexample = 1\n'))
    with move_alias_after_resolving(second):
        assert signed_in.post("/", FORM).status_code == 302
    assert Prediction.objects.get().model_version == flowers
    response = signed_in.post("/", FORM)
    assert (response.status_code, Prediction.objects.count()) == (400, 1)
    assert "This field is required." in get_text(response)


@pytest.fixture
def wide_model(write_rows):
    more = "".join(f'[[input.features]]\nname = "f{number}"\nexample = 1\n' for number in range(MAX_FORM_FEATURES))
    return register_model(path=write_rows(more=more), promote=True)


def test_model_with_too_many_features_takes_a_csv_row(wide_model, signed_in):
    page = signed_in.get("/").content.decode()
    assert "too many for a form" in page
    assert "feature-0" not in page
    assert "requests.post(" in page
    names = [feature.name for feature in wide_model.parsed_signature.input.features]
    row = ["4.5", "5", *[""] * (len(names) - 2 - MAX_FORM_FEATURES), *["0.25"] * MAX_FORM_FEATURES]
    fields = {"model": "flowers", "fill": "1", "csv": f"{','.join(names)}\n{','.join(row)}"}
    response = signed_in.post("/", fields, headers=HTMX)
    assert response.status_code == 201
    prediction = Prediction.objects.get()
    assert prediction.input.features["f7"] == 0.25
    assert "more features are not shown" in signed_in.get(prediction.get_absolute_url()).content.decode()


def test_errors_of_a_csv_row_with_too_many_features_are_listed(wide_model, signed_in):
    names = [feature.name for feature in wide_model.parsed_signature.input.features]
    response = signed_in.post("/", {"model": "flowers", "fill": "1", "csv": ",".join(["x"] * len(names))}, headers=HTMX)
    assert (response.status_code, Prediction.objects.count()) == (400, 0)
    assert f"{names[0]}: Expected a number" in get_text(response)


def test_pages_use_the_display_names_of_features(write_rows, signed_in, user):
    more = '[[input.features]]\nname = "leaf_width"\nexample = 1\n'
    more += '[[input.features]]\nname = "f7"\ntitle = "Leaf area"\nexample = 2\n'
    register_model(path=write_rows(more=more), promote=True)
    row = {"length": 1, "petals": 2, "leaf_width": 3, "f7": 4}
    prediction = predict(user=user, source="web", features=row, model="flowers")
    for url in (reverse("predictions:history"), prediction.get_absolute_url()):
        assert re.search(r"leaf width 3\b.*Leaf area 4\b", get_text(signed_in.get(url)))
    assert signed_in.get(f"/api/v1/predictions/{prediction.pk}/").json()["input"]["features"]["f7"] == 4
