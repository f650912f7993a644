"""The pages of the models."""

from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core.tests.pages import get_text
from predictions.services import predict
from registry.services import promote_model, register_model

pytestmark = pytest.mark.django_db


def test_list_and_overview_show_a_model(shades, signed_in):
    assert "shades" in get_text(signed_in.get(reverse("predictions:models")))
    page = get_text(signed_in.get(reverse("predictions:model", args=["shades"])))
    for text in (
        "black, grey, white",
        shades.sha256,
        "production",
        "Image, resized to 8 × 8, grayscale",
        "(scale unit, resize stretch)",
    ):
        assert text in page
    assert signed_in.get(reverse("predictions:model", args=["nope"])).status_code == 404


def test_overview_shows_signature_usage_and_api_requests(flowers, write_rows, signed_in, user):
    register_model(path=write_rows(factor=2))
    for _ in range(3):
        predict(user=user, source="api", features={"length": 1, "petals": 5}, model="flowers")
    promote_model(name="flowers", number=2, alias="staging")
    page = get_text(signed_in.get(reverse("predictions:model", args=["flowers"])))
    for text in (
        "float cm",
        "0 to 10",
        "white, red, blue",
        "rejected",
        "Number in cm²",
        "3 times, last used",
        "never",
        "staging",
    ):
        assert text in page, text
    for text in ("curl -H", "requests.post(", "await fetch("):
        assert text in page, text


def test_number_of_queries_does_not_depend_on_the_versions(flowers, write_rows, signed_in, user):
    url = reverse("predictions:model", args=["flowers"])
    predict(user=user, source="api", features={"length": 1, "petals": 5}, model="flowers")
    signed_in.get(url)
    with CaptureQueriesContext(connection) as before:
        signed_in.get(url)
    for factor in (2, 3, 4):
        version = register_model(path=write_rows(factor=factor))
        predict(user=user, source="api", features={"length": 1, "petals": 5}, model=str(version))
    with CaptureQueriesContext(connection) as after:
        assert get_text(signed_in.get(url)).count("once, last used") == 4
    assert len(after) == len(before)


def test_usage_is_counted_up_to_a_limit(flowers, signed_in, user, monkeypatch):
    monkeypatch.setattr("predictions.usage.MAX_COUNTED_PREDICTIONS", 2)
    for _ in range(3):
        predict(user=user, source="api", features={"length": 1, "petals": 5}, model="flowers")
    assert "2+ times, last used" in get_text(signed_in.get(reverse("predictions:model", args=["flowers"])))


def test_overview_warns_of_a_changed_model_file(flowers, signed_in, settings):
    Path(settings.MODEL_ROOT, flowers.artifact).write_text("{")
    page = get_text(signed_in.get(reverse("predictions:model", args=["flowers"])))
    assert "file changed" in page
    assert "The model file of version 1 has changed since registration. No other version can serve requests." in page


def test_overview_names_the_version_that_serves_instead(flowers, write_rows, signed_in, settings):
    second = register_model(path=write_rows(factor=2), promote=True)
    Path(settings.MODEL_ROOT, second.artifact).unlink()
    page = get_text(signed_in.get(reverse("predictions:model", args=["flowers"])))
    assert "file missing" in page
    assert "The model file of version 2 is missing or cannot be read. Version 1 serves requests instead." in page


def test_tabs_mark_the_current_page(shades, signed_in):
    page = signed_in.get(reverse("predictions:model", args=["shades"])).content.decode()
    assert " ".join(page.split()).count('href="/models/shades/" aria-current="page">Overview') == 1
    page = signed_in.get(reverse("evaluation:evaluation", args=["shades"])).content.decode()
    assert 'aria-current="page">Evaluation' in " ".join(page.split())


def test_text_from_a_model_file_is_escaped(write_rows, signed_in, user):
    evil = "<script>alert(1)</script>"
    texts = "".join(f'{key} = "{evil}"\n' for key in ("name", "title", "description", "example"))
    more = f'[[input.features]]\ntype = "text"\n{texts}'
    register_model(path=write_rows(more=more), promote=True)
    prediction = predict(user=user, source="api", features={"length": 1, "petals": 5, evil: evil})
    for url in ("/?example=1", "/models/flowers/", "/predictions/", prediction.get_absolute_url()):
        assert "<script>alert" not in signed_in.get(url).content.decode(), url
