"""Examples of a model on the home page: images to click, rows to fill in."""

from io import BytesIO
from pathlib import Path

import pytest
from django.urls import reverse
from PIL import Image

from core.tests.pages import get_text
from inference.tests.factories import make_image
from predictions.models import Prediction
from predictions.tests.factories import move_alias_after_resolving
from registry.services import register_model

pytestmark = [pytest.mark.django_db, pytest.mark.once]

EXAMPLE_URL = "/models/shades/example/"
HTMX = {"hx-request": "true"}


@pytest.fixture
def version(write_dummy):
    """Return an image classification version in production with a black, a grey and a white example."""
    folder = write_dummy()
    text = (folder / "model.toml").read_text()
    for name, shade in (("black", 0), ("grey", 127), ("white", 255)):
        (folder / f"{name}.png").write_bytes(make_image(shade))
        text += f'[[examples]]\nimage = "{name}.png"\nlabel = "{name}"\n'
    (folder / "model.toml").write_text(text)
    return register_model(path=folder, promote=True)


def test_each_example_is_shown_as_a_thumbnail_and_can_be_predicted(version, signed_in, user):
    page = signed_in.get("/").content.decode()
    for number in (1, 2, 3):
        assert f'src="{EXAMPLE_URL}{number}.webp?model=shades%3A1"' in page
    thumbnail = signed_in.get(f"{EXAMPLE_URL}3.webp?model=shades")
    assert thumbnail["Content-Type"] == "image/webp"
    assert thumbnail["Cache-Control"].startswith("private")
    with Image.open(BytesIO(thumbnail.content)) as image:
        assert image.convert("L").getextrema() == (255, 255)
    signed_in.post(EXAMPLE_URL, {"model": "shades", "number": "3"}, follow=True)
    assert Prediction.objects.get().label == "white"


def test_htmx_requests_get_the_result_as_a_fragment(version, signed_in):
    response = signed_in.post(EXAMPLE_URL, {"number": "2"}, headers=HTMX)
    assert response.status_code == 201
    assert '<article class="result' in response.content.decode()
    assert "<html" not in response.content.decode()
    assert Prediction.objects.get().label == "grey"
    response = signed_in.post(EXAMPLE_URL, {"number": "4"}, headers=HTMX)
    assert (response.status_code, response.content.decode()) == (
        404,
        "The example could not be run. shades:1 has no example 4.",
    )


@pytest.mark.parametrize("number", ["0", "4", "-1", "x", "1.0", "²", "9" * 5000])
def test_an_unknown_example_is_rejected_and_nothing_is_stored(version, signed_in, number):
    page = signed_in.post(EXAMPLE_URL, {"number": number}, follow=True)
    assert "The example could not be run." in page.content.decode()
    assert not Prediction.objects.exists()


@pytest.mark.parametrize(
    "path", ["0.webp", "4.webp", "1.webp?model=shades:9", "1.webp?model=nothing", "999999999999999999.webp"]
)
def test_an_unknown_thumbnail_is_not_found(version, signed_in, path):
    assert signed_in.get(EXAMPLE_URL + path).status_code == 404


def test_the_thumbnail_of_a_missing_or_damaged_file_is_not_found(version, signed_in, settings):
    paths = [Path(settings.MODEL_ROOT, example["image"]) for example in version.examples]
    paths[0].unlink()
    paths[1].write_bytes(b"damaged")
    assert [signed_in.get(f"{EXAMPLE_URL}{number}.webp").status_code for number in (1, 2, 3)] == [404, 404, 200]


def test_a_missing_file_is_reported_without_its_path(version, signed_in, settings):
    Path(settings.MODEL_ROOT, version.examples[0]["image"]).unlink()
    response = signed_in.post(EXAMPLE_URL, {"number": "1"}, headers=HTMX)
    assert response.status_code == 410
    assert response.content.decode() == "The example could not be run. Its file is missing."


def test_a_full_disk_is_not_reported_as_a_missing_file(version, signed_in, fill_disk):
    response = signed_in.post(EXAMPLE_URL, {"number": "1"}, headers=HTMX)
    assert response.status_code == 507
    assert response.content.decode() == "The example could not be run. No space is left for uploaded files."
    assert not Prediction.objects.exists()


def test_the_example_of_an_older_page_is_predicted_by_the_version_in_production(version, write_dummy, signed_in):
    folder = write_dummy()
    (folder / "other.png").write_bytes(make_image(127))
    with (folder / "model.toml").open("a") as file:
        file.write('[[examples]]\nimage = "other.png"\nlabel = "grey"\n')
    second = register_model(path=folder, promote=True)
    signed_in.post(EXAMPLE_URL, {"model": "shades", "version": str(second), "number": "1"})
    assert (Prediction.objects.get().label, Prediction.objects.get().model_version) == ("grey", second)
    # From a page that is older than the promotion.
    signed_in.post(EXAMPLE_URL, {"model": "shades", "version": str(version), "number": "3"})
    newest = Prediction.objects.order_by("-id").first()
    assert (newest.label, newest.model_version) == ("white", second)
    response = signed_in.post(EXAMPLE_URL, {"model": "shades", "version": str(second), "number": "2"}, headers=HTMX)
    assert response.status_code == 404


def test_a_standby_predicts_examples_too(version, write_dummy, signed_in, settings):
    folder = write_dummy(fixed=[0, 0, 1])
    (folder / "light.png").write_bytes(make_image(255))
    with (folder / "model.toml").open("a") as file:
        file.write('[[examples]]\nimage = "light.png"\nlabel = "white"\n')
    second = register_model(path=folder, promote=True)
    Path(settings.MODEL_ROOT, second.artifact).write_bytes(b"damaged")
    signed_in.post(EXAMPLE_URL, {"model": "shades", "version": str(second), "number": "1"})
    prediction = Prediction.objects.get()
    assert (prediction.status, prediction.label, prediction.model_version) == ("succeeded", "white", version)


def test_reviewing_the_result_leads_back_to_the_page(version, signed_in):
    section = signed_in.post(EXAMPLE_URL, {"number": "2"}, headers=HTMX).content.decode()
    assert 'name="next" value="/?model=shades"' in " ".join(section.split())


def test_thumbnails_require_sign_in_and_a_version_of_the_model(version, flowers, client, signed_in):
    assert signed_in.get("/models/flowers/example/1.webp?model=shades").status_code == 404
    assert signed_in.get("/models/flowers/example/1.webp").status_code == 404
    client.logout()
    assert client.get(f"{EXAMPLE_URL}1.webp").status_code == 302


def test_the_form_can_be_filled_in_from_each_example_row(write_rows, signed_in):
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


def test_the_example_of_a_table_model_is_predicted_from_its_page(flowers, signed_in, user):
    page = signed_in.get(reverse("predictions:model", args=["flowers"])).content.decode()
    url = reverse("predictions:example", args=["flowers"])
    assert url in page
    response = signed_in.post(url, follow=True)
    prediction = Prediction.objects.get()
    assert response.redirect_chain == [(prediction.get_absolute_url(), 302)]
    assert (prediction.value, prediction.user) == (9.5, user)


@pytest.mark.parametrize(
    ("reference", "reason"), [("flowers:7", "has no version 7"), ("nope", "No model named &#x27;nope&#x27; is in use")]
)
def test_a_reference_that_cannot_be_resolved_is_reported(flowers, signed_in, reference, reason):
    response = signed_in.post(reverse("predictions:example", args=["flowers"]), {"model": reference}, follow=True)
    assert "The example could not be run." in get_text(response)
    assert reason in get_text(response)
    assert signed_in.get(reverse("predictions:example", args=["flowers"])).status_code == 405
    assert signed_in.post(reverse("predictions:example", args=["nothing"])).status_code == 404


def test_the_page_of_one_model_does_not_run_another(flowers, shades, signed_in):
    url = reverse("predictions:example", args=["shades"])
    assert signed_in.post(url, {"model": "flowers"}).status_code == 404
    assert signed_in.post(url, {"model": "shades", "version": "flowers:1"}).status_code == 404
    assert not Prediction.objects.exists()


def test_promotion_during_a_request_does_not_change_the_version(version, write_dummy, signed_in):
    second = register_model(path=write_dummy(fixed=[1, 0, 0]))
    with move_alias_after_resolving(second) as resolving_queries:
        signed_in.post(EXAMPLE_URL, {"model": "shades", "number": "3"})
    prediction = Prediction.objects.get()
    assert (prediction.model_version, prediction.label) == (version, "white")
    assert len(resolving_queries) == 1


def test_htmx_request_of_a_signed_out_user_is_rejected_with_a_message(version, client):
    response = client.post(EXAMPLE_URL, {"number": "1"}, headers=HTMX)
    assert response.status_code == 401
    assert response.content.decode() == "You are signed out. Sign in in another tab, then try again."
