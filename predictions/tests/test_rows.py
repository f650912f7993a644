"""Unsaved rows are those that the constructors of the models build, and share nothing."""

from time import sleep

import pytest
from django.utils import timezone

from predictions.models import Input, Prediction
from predictions.services.rows import build_input, build_prediction
from predictions.tests.factories import make_prediction

CREATED = {"id", "created_at"}


@pytest.fixture(params=[True, False], ids=["user", "nobody"])
def owner(request, user):
    return user if request.param else None


def build(version, user, reference="order 1", source="cli"):
    row = build_input("text", "text/plain", user, size=3, sha256="0" * 64)
    return build_prediction(row, version, user, source=source, client_reference=reference, decode_ms=1.5)


def read_values(row):
    return {name: value for name, value in vars(row).items() if name not in CREATED | {"_state"}}


def test_rows_are_as_built_by_the_constructors(shades, owner):
    before = timezone.now()
    prediction = build(shades, owner)
    row = prediction.input
    assert row._state.adding and prediction._state.adding
    expected = [
        Input(kind="text", content_type="text/plain", user=owner, size=3, sha256="0" * 64),
        Prediction(input=row, model_version=shades, user=owner, source="cli", client_reference="order 1", decode_ms=1.5),
    ]
    for built, other in zip([row, prediction], expected, strict=True):
        assert read_values(built) == read_values(other)
        assert vars(built).keys() == vars(other).keys()
        assert before <= built.created_at <= timezone.now()
        assert built.user is owner
    assert prediction.model_version is shades


def test_rows_share_neither_ids_nor_times_nor_values(shades, user, other):
    first = build(shades, user)
    sleep(0.001)
    second = build(shades, other, reference="", source="web")
    first.warnings.append({"code": "x"})
    assert second.warnings == [] == build(shades, user).warnings
    assert [(row.user, row.client_reference, row.source) for row in (first, second)] == [
        (user, "order 1", "cli"),
        (other, "", "web"),
    ]
    for one, two in ((first, second), (first.input, second.input)):
        assert one.pk != two.pk and one.created_at < two.created_at
        assert one._state is not two._state


def test_stored_rows_have_their_user_reference_and_time(shades, user, other):
    before = timezone.now()
    for owner in (user, other):
        make_prediction(owner, client_reference=owner.username)
    rows = Prediction.objects.select_related("input")
    assert len(rows) == 2
    for row in rows:
        assert row.user_id == row.input.user_id
        assert row.client_reference == row.user.username
        assert before <= row.input.created_at <= timezone.now() and before <= row.created_at <= timezone.now()
        assert not row._state.adding
