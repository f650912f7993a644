"""The database rejects changes to model versions."""

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import ProtectedError

from predictions.tests.factories import make_prediction
from registry.models import ModelVersion
from registry.services import register_model

pytestmark = pytest.mark.django_db

CHANGES = {
    "number": 7, "runtime": "keras", "artifact": "x/y", "sha256": "0" * 64, "size": 1, "signature": {}, "labels": ["x"],
    "trusted": True, "examples": [{}], "framework": "x", "framework_version": "2", "notes": "x",
    "notices": ["x"], "libraries": {"numpy": "0"}, "conversion": {"runtime": "x"},
    "created_at": "2020-01-01T00:00:00Z",
}  # fmt: skip


def test_every_column_except_the_creator_is_immutable():
    columns = {field.name for field in ModelVersion._meta.fields}
    assert columns - CHANGES.keys() == {"id", "model", "created_by"}


@pytest.mark.parametrize("name", CHANGES)
def test_the_database_rejects_an_update(shades, name):
    with pytest.raises(DatabaseError, match="immutable"), transaction.atomic():
        ModelVersion.objects.filter(pk=shades.pk).update(**{name: CHANGES[name]})


def test_the_database_rejects_save_and_plain_sql(shades):
    original = shades.notes
    shades.notes = "changed"
    with pytest.raises(DatabaseError, match="immutable"), transaction.atomic():
        shades.save()
    with pytest.raises(DatabaseError, match="immutable"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE registry_modelversion SET sha256 = 'x'")
    shades.refresh_from_db()
    assert shades.notes == original


@pytest.mark.skipif(connection.vendor != "sqlite", reason="only SQLite has REPLACE")
def test_the_database_rejects_a_replacement_of_the_row(shades):
    columns = ", ".join(f'"{field.column}"' for field in ModelVersion._meta.fields)
    values = columns.replace('"trusted"', "1")
    replace = f"INSERT OR REPLACE INTO registry_modelversion ({columns}) SELECT {values} FROM registry_modelversion"
    with pytest.raises(DatabaseError, match="immutable"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(replace)
    shades.refresh_from_db()
    assert shades.trusted is False


def test_the_creator_of_a_version_can_be_deleted(write_dummy, user):
    version = register_model(path=write_dummy(), user=user)
    user.delete()
    version.refresh_from_db()
    assert version.created_by is None


@pytest.mark.django_db(transaction=True)
def test_a_version_with_predictions_cannot_be_deleted(shades, user):
    make_prediction(user)
    shades.aliases.all().delete()
    with pytest.raises(ProtectedError):
        shades.delete()
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM registry_aliaschange")
        cursor.execute("DELETE FROM registry_modelversion")
    assert ModelVersion.objects.get() == shades
