"""A model's own examples on the page that asks it: pictures to click, rows to fill in."""

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from inference.tests.factories import make_image
from predictions.models import Prediction
from registry.services import register_model

pytestmark = pytest.mark.django_db

ADDRESS = "/models/shades/example/"


@pytest.fixture
def shown(write_dummy):
    """A model of images with a black, a grey and a white example."""
    folder = write_dummy()
    text = (folder / "model.toml").read_text()
    for name, shade in (("black", 0), ("grey", 127), ("white", 255)):
        (folder / f"{name}.png").write_bytes(make_image(shade))
        text += f'[[examples]]\nimage = "{name}.png"\nlabel = "{name}"\n'
    (folder / "model.toml").write_text(text)
    return register_model(path=folder, promote=True)


def test_each_example_is_a_picture_to_click(shown, signed_in, user):
    page = signed_in.get("/").content.decode()
    for number in (1, 2, 3):
        assert f'src="{ADDRESS}{number}.webp?model=shades%3A1"' in page
    small = signed_in.get(f"{ADDRESS}3.webp?model=shades")
    assert small["Content-Type"] == "image/webp"
    assert small["Cache-Control"].startswith("private")
    with Image.open(BytesIO(small.content)) as seen:
        assert seen.convert("L").getextrema() == (255, 255)
    signed_in.post(ADDRESS, {"model": "shades", "number": "3"}, follow=True)
    assert Prediction.objects.get().label == "white"


def test_a_script_gets_the_answer_to_an_example_as_a_fragment(shown, signed_in):
    asked = {"headers": {"hx-request": "true"}}
    answer = signed_in.post(ADDRESS, {"number": "2"}, **asked)
    assert answer.status_code == 201
    assert '<article class="result' in answer.content.decode()
    assert "<html" not in answer.content.decode()
    assert Prediction.objects.get().label == "grey"
    refused = signed_in.post(ADDRESS, {"number": "4"}, **asked)
    assert (refused.status_code, refused.content.decode()) == (
        404,
        "The example could not be asked. shades:1 has no example 4.",
    )


@pytest.mark.parametrize("number", ["0", "4", "-1", "x", "1.0", "²", "9" * 5000])
def test_what_is_no_example_is_told_and_asks_nothing(shown, signed_in, number):
    page = signed_in.post(ADDRESS, {"number": number}, follow=True)
    assert "The example could not be asked." in page.content.decode()
    assert not Prediction.objects.exists()


@pytest.mark.parametrize(
    "path", ["0.webp", "4.webp", "1.webp?model=shades:9", "1.webp?model=nothing", "999999999999999999.webp"]
)
def test_a_picture_that_there_is_not_is_not_found(shown, signed_in, path):
    assert signed_in.get(ADDRESS + path).status_code == 404


def test_a_picture_that_is_gone_or_damaged_is_not_found(shown, signed_in, settings):
    stored = [Path(settings.MODEL_ROOT, one["image"]) for one in shown.examples]
    stored[0].unlink()
    stored[1].write_bytes(b"damaged")
    assert [signed_in.get(f"{ADDRESS}{number}.webp").status_code for number in (1, 2, 3)] == [404, 404, 200]


def test_a_script_is_told_that_a_picture_is_gone_and_not_where_it_was(shown, signed_in, settings):
    Path(settings.MODEL_ROOT, shown.examples[0]["image"]).unlink()
    refused = signed_in.post(ADDRESS, {"number": "1"}, headers={"hx-request": "true"})
    assert refused.status_code == 410
    assert refused.content.decode() == "The example could not be asked. Its picture is gone."


def test_the_example_that_was_shown_is_asked_whatever_was_promoted_since(shown, write_dummy, signed_in):
    folder = write_dummy()
    (folder / "other.png").write_bytes(make_image(127))
    with (folder / "model.toml").open("a") as file:
        file.write('[[examples]]\nimage = "other.png"\nlabel = "grey"\n')
    second = register_model(path=folder, promote=True)
    signed_in.post(ADDRESS, {"model": "shades", "of": str(second), "number": "1"})
    assert (Prediction.objects.get().label, Prediction.objects.get().model_version) == ("grey", second)
    signed_in.post(ADDRESS, {"model": "shades", "of": str(shown), "number": "3"})  # a page from before the promotion
    newest = Prediction.objects.order_by("-id").first()
    assert (newest.label, newest.model_version) == ("white", second)
    refused = signed_in.post(ADDRESS, {"model": "shades", "of": str(second), "number": "2"}, headers={"hx-request": "true"})
    assert refused.status_code == 404


def test_a_standby_answers_an_example_as_it_does_all_else(shown, write_dummy, signed_in, settings):
    folder = write_dummy(fixed=[0, 0, 1])
    (folder / "light.png").write_bytes(make_image(255))
    with (folder / "model.toml").open("a") as file:
        file.write('[[examples]]\nimage = "light.png"\nlabel = "white"\n')
    second = register_model(path=folder, promote=True)
    Path(settings.MODEL_ROOT, second.artifact).write_bytes(b"damaged")
    signed_in.post(ADDRESS, {"model": "shades", "of": str(second), "number": "1"})
    kept = Prediction.objects.get()
    assert (kept.status, kept.label, kept.model_version) == ("succeeded", "white", shown)


def test_judging_the_answer_to_an_example_leads_back_to_the_page(shown, signed_in):
    section = signed_in.post(ADDRESS, {"number": "2"}, headers={"hx-request": "true"}).content.decode()
    assert 'name="next" value="/?model=shades"' in " ".join(section.split())


def test_examples_are_not_for_strangers_nor_those_of_one_model_for_another(shown, flowers, client, signed_in):
    assert signed_in.get("/models/flowers/example/1.webp?model=shades").status_code == 404
    assert signed_in.get("/models/flowers/example/1.webp").status_code == 404
    client.logout()
    assert client.get(f"{ADDRESS}1.webp").status_code == 302


def test_each_row_of_a_table_can_be_filled_in_by_what_it_is(write_rows, signed_in):
    rows = "".join(f"[[examples]]\nfeatures = {{ length = {n}, petals = 3 }}\nvalue = {n + 3}\n" for n in (1, 2))
    register_model(path=write_rows(more=rows), promote=True)
    page = signed_in.get("/").content.decode()
    assert '<a href="/?model=flowers&amp;example=2">5' in page
    form = signed_in.get("/", {"model": "flowers", "example": "2"}).context["form"]
    assert (form["feature-0"].value(), form["feature-1"].value()) == ("2", "3")
    for odd in ("3", "0", "x", "", "9" * 5000):
        page = signed_in.get("/", {"model": "flowers", "example": odd})
        assert page.status_code == 200
        assert page.context["form"]["feature-0"].value() is None
