"""Generated values: rows, names, texts, and damaged images never cause a server error."""

from __future__ import annotations

import json
import string

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from core.validators import MAX_FILE_NAME_CHARACTERS, clean_file_name, is_storable
from mlsite.tests.hostile.uploads import JPEG, PNG, WEBP
from predictions.models import Input
from predictions.tests.factories import PREDICTIONS_URL

pytestmark = pytest.mark.django_db
bounded = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=20,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
NAMES = st.sampled_from(["petals", "length", "colour", "wild", "\ud800", "x", ""]) | st.text(max_size=5)
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(["1", "white", "NaN"])
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=4
)
ROWS = st.dictionaries(NAMES, VALUES, max_size=6) | VALUES


def post_row(api, body):
    return api.post(PREDICTIONS_URL, json.dumps(body).encode("utf-8", "surrogatepass"), content_type="application/json")


def check(response):
    """Check that a request is accepted, or refused with a problem and without a row."""
    assert response.status_code in (201, 400, 404, 413, 415), response.content
    if response.status_code != 201:
        assert response["Content-Type"] == "application/problem+json"
        assert response.json()["detail"]


@bounded
@given(
    row=ROWS,
    more=st.dictionaries(st.sampled_from(["model", "client_reference", "text", "feature_order"]), VALUES, max_size=1),
)
def test_hostile_rows_are_stored_or_rejected(flowers, api, row, more):
    before = Input.objects.count()
    response = post_row(api, {"model": "flowers", "features": row, **more})
    check(response)
    assert Input.objects.count() - before == (response.status_code == 201)


@bounded
@given(name=st.text(st.characters(codec=None), max_size=300), reference=st.text(max_size=300))
def test_hostile_names_are_stored_or_rejected(shades, api, name, reference):
    file = SimpleUploadedFile("a.png", PNG)
    file._name = name.replace("\ud800", "") or "x"
    response = api.post(PREDICTIONS_URL, {"image": file, "client_reference": reference.encode("utf-8", "replace").decode()})
    check(response)
    if response.status_code == 201:
        stored = response.json()["input"]["original_name"]
        assert len(stored) <= 255
        assert stored.isprintable()
        assert not set(stored) & {"/", "\\"}


@pytest.mark.once
@given(name=st.text(st.characters(exclude_categories=[])))
@example(name="x" * (MAX_FILE_NAME_CHARACTERS + 1))
@settings(derandomize=True, database=None, max_examples=50)
def test_file_names_can_be_stored(name):
    cleaned = clean_file_name(name)
    assert is_storable(cleaned)
    assert len(cleaned) <= MAX_FILE_NAME_CHARACTERS
    assert clean_file_name(cleaned) == cleaned


@bounded
@given(source=st.sampled_from([PNG, JPEG, WEBP]), data=st.data())
def test_damaged_images(shades, api, source, data):
    end = data.draw(st.integers(1, len(source)))
    start = data.draw(st.integers(0, end - 1))
    damage = data.draw(st.binary(max_size=20))
    image = source[:start] + damage + source[start + len(damage) : end]
    before = Input.objects.count()
    response = api.post(PREDICTIONS_URL, image, content_type="image/png")
    check(response)
    assert Input.objects.count() - before == (response.status_code == 201)


@bounded
@given(data=st.binary(max_size=300) | st.text(string.printable, max_size=300).map(str.encode))
def test_random_bytes_are_rejected_as_json(shades, api, data):
    check(api.post(PREDICTIONS_URL, data, content_type="application/json"))
