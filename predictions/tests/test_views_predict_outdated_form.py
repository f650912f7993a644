"""A features form that was opened before a promotion. Its fields are numbered in the order of the earlier version."""

import re

import pytest

from core.tests.pages import get_text
from predictions.models import Prediction
from registry.services import register_model
from registry.tests.factories import edit_manifest

pytestmark = pytest.mark.django_db
HTMX = {"hx-request": "true"}
OLD_FORM = {"model": "flowers", "version": "flowers:1", "feature-0": "4", "feature-1": "9", "client_reference": "r-1"}


@pytest.fixture
def swapped(flowers, write_rows):
    """Return a newer version in production, whose first two features have changed places."""
    folder = write_rows()
    text = (folder / "model.toml").read_text()
    head, length, petals, *others = re.split(r"(?=\[\[input\.features\]\])", text)
    (folder / "model.toml").write_text("".join([head, petals, length, *others]))
    return register_model(path=folder, promote=True)


def get_values(response):
    return [response.context["form"][f"feature-{index}"].value() for index in range(4)]


def test_form_contains_its_version(flowers, signed_in):
    assert re.search(r'<input type="hidden" name="version" value="flowers:1">', signed_in.get("/").content.decode())


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "fragment"])
def test_values_are_not_used_as_those_of_other_features(swapped, signed_in, headers):
    response = signed_in.post("/", OLD_FORM, headers=headers)
    assert response.status_code == 409
    assert "flowers:2 is used now, which takes other values." in get_text(response)
    assert not Prediction.objects.exists()
    assert get_values(response) == ["9", "4", "", ""]
    assert 'value="r-1"' in response.content.decode()
    assert 'name="version" value="flowers:2"' in response.content.decode()
    signed_in.post("/", {**OLD_FORM, "version": "flowers:2", "feature-0": "9", "feature-1": "4"}, headers=headers)
    row = Prediction.objects.get().input.features
    assert (row["length"], row["petals"]) == (4, 9)


def test_csv_row_in_the_old_order_is_not_used(swapped, signed_in):
    response = signed_in.post("/", {**OLD_FORM, "csv": "4,9,red,true", "fill": "1"})
    assert response.status_code == 409
    assert get_values(response) == ["9", "4", "", ""]


def test_a_value_in_another_unit_is_not_used(flowers, write_rows, signed_in):
    folder = write_rows()
    edit_manifest(folder, 'unit = "cm"', 'unit = "mm"')
    register_model(path=folder, promote=True)
    response = signed_in.post("/", OLD_FORM)
    assert response.status_code == 409
    assert get_values(response) == ["", "9", "", ""]


def test_a_promotion_of_a_version_with_the_same_features_rejects_nothing(flowers, write_rows, signed_in):
    register_model(path=write_rows(factor=2), promote=True)
    assert signed_in.post("/", OLD_FORM).status_code == 302
    assert Prediction.objects.get().value == 26


@pytest.mark.parametrize("version", ["", "flowers:9", "nope", "shades:1", "\0", "9" * 5000])
def test_an_unknown_version_is_ignored(flowers, shades, signed_in, version):
    assert signed_in.post("/", {**OLD_FORM, "version": version}).status_code == 302
