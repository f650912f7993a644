"""The database rejects changes to predictions with a final status, and invalid changes of a status."""

import pytest
from django.db import DatabaseError, connection, models, transaction
from django.utils import timezone

from predictions.models import Prediction
from predictions.tests.factories import change_predictions, make_prediction
from registry.services import register_model

pytestmark = pytest.mark.django_db

CHANGES = {
    "status": "running", "source": "web", "output": {}, "label": "x", "confidence": 0.1, "margin": 0.1, "value": 1.0,
    "warnings": [{"code": "x", "message": "x"}], "error_code": "x", "error_message": "x", "queue_ms": 1.0, "decode_ms": 1.0,
    "preprocess_ms": 1.0, "inference_ms": 1.0, "client_reference": "x", "created_at": "2020-01-01T00:00:00Z",
    "started_at": "2020-01-01T00:00:00Z", "completed_at": "2020-01-01T00:00:00Z",
}  # fmt: skip
FINAL = {
    "succeeded": {"output": {"label": "x"}, "error_code": ""},
    "failed": {"output": None, "error_code": "model-failed"},
    "canceled": {"output": None, "error_code": ""},
}
ALLOWED = {
    "queued": {"queued", "running", "failed", "canceled"},
    "running": {"queued", "running", "succeeded", "failed", "canceled"},
}


def set_status(prediction, status):
    """Give a prediction any status, with what the constraints require."""
    changes = FINAL.get(status, {"output": None, "error_code": ""})
    change_predictions(
        Prediction.objects.filter(pk=prediction.pk),
        status=status, completed_at=timezone.now() if status in FINAL else None, **changes,
    )  # fmt: skip


def test_every_column_except_the_user_is_guarded():
    columns = {field.name for field in Prediction._meta.fields}
    assert columns - CHANGES.keys() == {"id", "user", "input", "model_version"}


@pytest.mark.parametrize("status", FINAL)
def test_the_database_rejects_an_update_of_a_final_prediction(shades, user, status):
    set_status(make_prediction(user), status)
    for name, value in CHANGES.items():
        with pytest.raises(DatabaseError, match="never changes"), transaction.atomic():
            Prediction.objects.update(**{name: value})


def test_the_database_rejects_another_version_input_and_id(shades, user, write_dummy):
    prediction, other = make_prediction(user), make_prediction(user)
    version = register_model(path=write_dummy(sleep=0))
    for name, value in {"model_version": version, "input": other.input, "id": version.pk}.items():
        with pytest.raises(DatabaseError, match="never changes"), transaction.atomic():
            Prediction.objects.filter(pk=prediction.pk).update(**{name: value})


def test_the_database_rejects_save(shades, user):
    prediction = make_prediction(user)
    with pytest.raises(DatabaseError, match="never changes"), transaction.atomic():
        prediction.save()


def test_the_user_of_a_final_prediction_can_be_deleted(shades, user):
    prediction = make_prediction(user)
    user.delete()
    prediction.refresh_from_db()
    assert prediction.user is None and prediction.status == "succeeded"


def test_a_final_prediction_can_be_deleted(shades, user):
    make_prediction(user).delete()
    assert not Prediction.objects.exists()


@pytest.mark.parametrize("before", ALLOWED)
def test_a_status_changes_only_to_one_that_can_follow_it(shades, before):
    prediction = make_prediction(None)
    for after in ("queued", "running", *FINAL):
        set_status(prediction, before)
        changes = {"status": after, "completed_at": timezone.now() if after in FINAL else None, **FINAL.get(after, {})}
        if after in ALLOWED[before]:
            Prediction.objects.update(**changes)
            assert Prediction.objects.get().status == after
        else:
            with pytest.raises(DatabaseError, match="before it runs"), transaction.atomic():
                Prediction.objects.update(**changes)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="only SQLite rebuilds tables")
@pytest.mark.django_db(transaction=True)
def test_these_tests_notice_a_migration_that_rebuilds_the_table(shades, user):
    """The triggers are gone after a rebuild, so that the tests above would fail."""
    prediction = make_prediction(user)
    names = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'predictions_prediction'"
    with connection.cursor() as cursor:
        triggers = cursor.execute(names).fetchall()
    assert {name for name, _ in triggers} == {"prediction_final", "prediction_status"}
    field, altered = Prediction._meta.get_field("label"), models.TextField()
    altered.set_attributes_from_name("label")
    altered.model = Prediction
    with connection.schema_editor() as editor:
        editor.alter_field(Prediction, field, altered)
    try:
        Prediction.objects.update(label="x")
        assert Prediction.objects.get(pk=prediction.pk).label == "x"
    finally:
        with connection.schema_editor() as editor:
            editor.alter_field(Prediction, altered, field)
        with connection.cursor() as cursor:
            for _, sql in triggers:
                cursor.execute(sql)
    with pytest.raises(DatabaseError, match="never changes"):
        Prediction.objects.update(label="y")


ERASED = {
    "user": None, "output": {}, "label": "", "confidence": None, "margin": None, "value": None, "warnings": [],
    "error_message": "", "client_reference": "",
}  # fmt: skip


@pytest.mark.parametrize("status", FINAL)
def test_the_data_of_a_final_prediction_can_be_removed(shades, user, status):
    prediction = make_prediction(user, client_reference="x")
    set_status(prediction, status)
    erased = ERASED | {"output": {} if status == "succeeded" else None}
    for name in ("queue_ms", "status", "error_code", "created_at"):
        with pytest.raises(DatabaseError, match="never changes"), transaction.atomic():
            Prediction.objects.update(**erased, **{name: CHANGES[name]})
    for name in ("user", "label", "confidence", "client_reference"):
        others = {key: value for key, value in erased.items() if key != name}
        with pytest.raises(DatabaseError, match="never changes"), transaction.atomic():
            Prediction.objects.update(**others)
    assert Prediction.objects.update(**erased) == 1
    with pytest.raises(DatabaseError, match="never changes"), transaction.atomic():
        Prediction.objects.update(label="x")
