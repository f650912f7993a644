"""Queue predictions and run them in a worker."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.db import DatabaseError, connection
from django.utils import timezone

from core.storage_errors import StorageFull
from inference.errors import InvalidInput, ModelFailed
from inference.tests.factories import make_image, make_noise_image
from predictions.models import Input, Prediction, QueuedPrediction
from predictions.services import predict
from predictions.services.background import (
    queue_prediction,
    worker,
)
from predictions.tests.factories import list_stored_files
from predictions.tests.queued import queue_image, run
from predictions.tests.runtimes import SwitchedRuntime
from registry.services import register_model

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tasks")]

ROW = {"petals": 5, "length": 4, "colour": "white"}
RESULT_FIELDS = ("status", "output", "label", "confidence", "margin", "value", "warnings", "model_version", "error_code")


@pytest.fixture
def register_second(write_dummy):
    return lambda: register_model(path=write_dummy(sleep=0), promote=True)


def test_a_queued_prediction_is_durable_and_enqueued_after_the_commit(
    shades, user, settings, tasks, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True) as callbacks:
        prediction = queue_image(user, client_reference="job-7", expires_in=60)
        assert tasks == []
    row = Prediction.objects.get()
    assert len(callbacks) == 1 and tasks == [str(row.pk)]
    assert (row.pk, row.user, row.input.user, row.source) == (prediction.pk, user, user, "api")
    assert (row.status, row.model_version, row.client_reference) == ("queued", shades, "job-7")
    assert (row.started_at, row.completed_at, row.output, row.error_code) == (None, None, None, "")
    assert [path.read_bytes() for path in list_stored_files(settings)] == [make_image(255)]
    queued = row.queued
    assert (queued.reference, queued.attempts, queued.leased_until) == ("shades", 0, None)
    assert queued.expires_at - row.created_at == timedelta(seconds=60)


@pytest.mark.parametrize("data", [b"", b"text", make_image(1)[:60]])
def test_nothing_is_stored_for_an_invalid_input(shades, user, settings, data):
    with pytest.raises(InvalidInput):
        queue_image(user, data)
    assert not Input.objects.exists() and list_stored_files(settings) == []


def test_nothing_is_stored_if_the_disk_is_full(shades, user, settings, fill_disk):
    with pytest.raises(StorageFull):
        queue_image(user)
    assert not Input.objects.exists() and list_stored_files(settings) == []


@pytest.mark.parametrize("table", ["predictions_prediction", "predictions_queuedprediction"])
def test_nothing_is_stored_if_the_database_rejects_a_row(shades, user, settings, table):
    def reject(execute, sql, params, many, context):
        if sql.startswith(("INSERT", "WITH")) and f'"{table}"' in sql:
            raise DatabaseError("rejected")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(reject), pytest.raises(DatabaseError):
        queue_image(user)
    assert not Input.objects.exists() and list_stored_files(settings) == []


def test_an_error_of_the_caller_rolls_everything_back(shades, user, settings, tasks):
    def fail(prediction):
        raise RuntimeError(str(Prediction.objects.get().pk == prediction.pk))

    with pytest.raises(RuntimeError, match="True"):
        queue_image(user, in_transaction=fail)
    assert not Input.objects.exists() and list_stored_files(settings) == [] and tasks == []


@pytest.mark.parametrize("kind", ["image", "row", "text", "several labels", "image and row", "failing"])
def test_the_result_equals_that_of_a_direct_request(
    kind, shades, flowers, blends, reviews, parcels, register_failing, user, settings
):
    register_failing(nan=True)
    inputs = {
        "image": lambda: {"image": ContentFile(make_noise_image(4), "a.png")},
        "row": lambda: {"features": ROW, "model": "flowers"},
        "text": lambda: {"text": 'Größe "x"', "model": "reviews"},
        "several labels": lambda: {"image": ContentFile(make_image(255), "a.png"), "model": "blends"},
        "image and row": lambda: {
            "image": ContentFile(make_image(9, size=(8, 8)), "a.png"), "features": {"weight": 3}, "model": "parcels"
        },
        "failing": lambda: {"image": ContentFile(make_image(255), "a.png"), "model": "failing"},
    }[kind]  # fmt: skip
    direct = predict(user=user, source="api", **inputs())
    stored = run(queue_prediction(user=user, source="api", **inputs()))
    assert [getattr(stored, name) for name in RESULT_FIELDS] == [getattr(direct, name) for name in RESULT_FIELDS]
    assert stored.error_message == direct.error_message and stored.input.sha256 == direct.input.sha256
    assert (stored.inference_ms is None) == (direct.inference_ms is None)
    assert stored.created_at <= stored.started_at <= stored.completed_at
    assert not QueuedPrediction.objects.exists()


def test_a_prediction_runs_once(switched, user):
    prediction = queue_image(user)
    first = run(prediction)
    assert first.status == "succeeded"
    SwitchedRuntime.error = ValueError("must not run")
    assert run(prediction).completed_at == first.completed_at
    SwitchedRuntime.error = None


def test_the_version_is_the_one_at_submission(shades, user, register_second):
    prediction = queue_image(user)
    second = register_second()
    assert run(queue_image(user)).model_version == second
    assert run(prediction).model_version == shades


def test_the_standby_runs_if_the_version_cannot_be_loaded(shades, user, register_second, settings):
    second = register_second()
    prediction, by_number = queue_image(user), queue_image(user, model="shades:2")
    Path(settings.MODEL_ROOT, second.artifact).unlink()
    stored = run(prediction)
    assert (stored.status, stored.model_version) == ("succeeded", shades)
    stored = run(by_number)
    assert (stored.status, stored.error_code, stored.model_version) == ("failed", "model-unavailable", second)


@pytest.mark.parametrize("change", ["missing", "damaged"])
def test_a_changed_file_fails_the_prediction(shades, user, settings, change):
    prediction = queue_image(user)
    (path,) = list_stored_files(settings)
    if change == "missing":
        path.unlink()
    else:
        path.chmod(0o600)
        path.write_bytes(make_image(0))
    stored = run(prediction)
    assert (stored.status, stored.error_code) == ("failed", f"stored-file-{change}")


def test_an_input_above_a_new_limit_fails_the_prediction(shades, user, settings):
    prediction = queue_image(user, make_noise_image(2))
    settings.MAX_IMAGE_PIXELS = 10
    stored = run(prediction)
    assert stored.status == "failed" and stored.error_code and stored.error_message


def test_a_failing_model_fails_the_prediction(switched, user, monkeypatch):
    monkeypatch.setattr(SwitchedRuntime, "error", ValueError("secret"))
    stored = run(queue_image(user))
    assert (stored.status, stored.error_code, stored.output) == ("failed", ModelFailed.code, None)
    assert "secret" not in stored.error_message


@pytest.mark.parametrize("label", ["x" * 201, "\ud800"])
def test_an_output_that_cannot_be_stored_fails_the_prediction(shades, user, monkeypatch, label):
    def run_model(prediction, *args, **options):
        prediction.status, prediction.label, prediction.output = "succeeded", label, {"label": label}
        prediction.completed_at = timezone.now()

    monkeypatch.setattr(worker, "run_model", run_model)
    stored = run(queue_image(user))
    assert (stored.status, stored.error_code, stored.label) == ("failed", "model-output-invalid", "")
