"""Queue predictions, run them in a worker, cancel them, and recover them."""

import threading
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from datetime import timedelta
from importlib import import_module
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.db import DatabaseError, connection
from django.utils import timezone
from PIL import Image

import core.tasks
from core.storage import StorageFull
from core.tests.waiting import wait_until
from inference.errors import InvalidInput, ModelFailed, ModelLoading
from inference.tests.factories import make_image, make_noise_image
from predictions.models import Input, Prediction, QueuedPrediction
from predictions.services import predict
from predictions.services.background import (
    TASK_NAME,
    AlreadyFinal,
    cancel_prediction,
    expire_queued,
    queue_prediction,
    requeue_lost,
    run_queued_prediction,
    wait_for_final,
    worker,
)
from predictions.services.background.transitions import claim_prediction
from predictions.tests.factories import list_stored_files, make_prediction
from predictions.tests.runtimes import SwitchedRuntime
from registry.services import register_model
from registry.serving import lease_predictor

pytestmark = pytest.mark.django_db

ROW = {"petals": 5, "length": 4, "colour": "white"}
RESULT_FIELDS = ("status", "output", "label", "confidence", "margin", "value", "warnings", "model_version", "error_code")


@pytest.fixture(autouse=True)
def tasks(monkeypatch):
    """Collect the tasks that are enqueued instead of running them."""
    enqueued: list[str] = []
    monkeypatch.setitem(core.tasks._tasks, TASK_NAME, enqueued.append)
    monkeypatch.setattr(core.tasks, "_enqueue", lambda name, row_id: core.tasks._tasks[name](row_id))
    return enqueued


@pytest.fixture
def register_second(write_dummy):
    return lambda: register_model(path=write_dummy(sleep=0), promote=True)


def queue_image(user, data=None, **options):
    data = make_image(255) if data is None else data
    return queue_prediction(user=user, source="api", image=ContentFile(data, name="a.png"), **options)


def run(prediction):
    run_queued_prediction(str(prediction.pk))
    return Prediction.objects.get(pk=prediction.pk)


def in_the_future(settings):
    return timezone.now() + timedelta(seconds=settings.BACKGROUND_LEASE_SECONDS + 1)


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


def test_an_overloaded_model_is_tried_again_later(switched, user, tasks, django_capture_on_commit_callbacks):
    prediction = queue_image(user)
    image = Image.new("L", (8, 8))
    SwitchedRuntime.is_open.clear()
    with lease_predictor(switched) as predictor, ThreadPoolExecutor(3) as threads:
        threads.submit(predictor.predict, image, timeout=30)
        wait_until(predictor.get_running_seconds)
        # One of these waits in the queue, which is full then, and the other one is rejected.
        others = [threads.submit(predictor.predict, image, timeout=30) for _ in range(2)]
        wait(others, timeout=30, return_when=FIRST_EXCEPTION)
        stored = run(prediction)
        SwitchedRuntime.is_open.set()
    assert (stored.status, stored.started_at) == ("queued", None)
    assert (stored.queued.attempts, stored.queued.leased_until) == (0, None)
    with django_capture_on_commit_callbacks(execute=True):
        assert requeue_lost() == 0
        assert requeue_lost(now=timezone.now() + timedelta(seconds=10)) == 1
    assert tasks == [str(prediction.pk)]
    assert run(prediction).status == "succeeded"


def test_a_model_that_is_loading_is_tried_again_later(shades, user, monkeypatch):
    module = import_module("predictions.services.predict")

    def raise_loading(*args, **options):
        raise ModelLoading("loading")

    prediction = queue_image(user)
    with monkeypatch.context() as patch:
        patch.setattr(module, "lease_predictor", raise_loading)
        stored = run(prediction)
    assert (stored.status, stored.queued.attempts, stored.queued.leased_until) == ("queued", 0, None)
    assert run(prediction).status == "succeeded"


def test_a_lost_worker_is_replaced_and_its_late_result_discarded(shades, user, tasks, settings, monkeypatch):
    prediction = queue_image(user)
    run_model = worker.run_model

    def lose_lease(prediction, *args, **options):
        run_model(prediction, *args, **options)
        prediction.label = "late"
        monkeypatch.setattr(worker, "run_model", run_model)
        requeue_lost(now=in_the_future(settings))
        assert run(prediction).status == "succeeded"

    monkeypatch.setattr(worker, "run_model", lose_lease)
    stored = run(prediction)
    assert stored.label == "white" and stored.status == "succeeded"


def test_a_prediction_fails_after_three_lost_workers(shades, user, tasks, settings, django_capture_on_commit_callbacks):
    prediction = queue_image(user)
    with django_capture_on_commit_callbacks(execute=True):
        for attempts in (1, 2):
            assert claim_prediction(prediction.pk) and not claim_prediction(prediction.pk)
            assert Prediction.objects.get().status == "running"
            assert requeue_lost() == 0
            assert requeue_lost(now=in_the_future(settings)) == 1
            assert (Prediction.objects.get().status, QueuedPrediction.objects.get().attempts) == ("queued", attempts)
    assert tasks == [str(prediction.pk)] * 2
    claim_prediction(prediction.pk)
    assert requeue_lost(now=in_the_future(settings)) == 0
    stored = run(prediction)
    assert (stored.status, stored.error_code) == ("failed", "worker-lost")
    assert "lost 3 times" in stored.error_message


def test_the_sweep_enqueues_waiting_predictions_at_growing_intervals(
    shades, user, tasks, settings, django_capture_on_commit_callbacks
):
    settings.TASK_REPEAT_SECONDS, settings.MAX_TASK_REPEAT_SECONDS = 60, 600
    start = queue_image(user).created_at
    with django_capture_on_commit_callbacks(execute=True):
        times = [minute for minute in range(1, 65) if requeue_lost(now=start + timedelta(minutes=minute, seconds=1))]
    assert times == [1, 3, 7, 15, 25, 35, 45, 55]
    assert len(tasks) == len(times)


def test_canceling_a_queued_prediction(shades, user, tasks):
    prediction = queue_image(user)
    canceled = cancel_prediction(prediction=prediction)
    assert canceled.status == "canceled" and canceled.completed_at and not canceled.started_at
    assert run(prediction).status == "canceled" and not QueuedPrediction.objects.exists()
    with pytest.raises(AlreadyFinal, match="canceled"):
        cancel_prediction(prediction=prediction)


def test_canceling_a_running_prediction_discards_its_result(shades, user, monkeypatch):
    prediction = queue_image(user)
    run_model = worker.run_model

    def cancel_first(prediction, *args, **options):
        cancel_prediction(prediction=Prediction.objects.get(pk=prediction.pk))
        run_model(prediction, *args, **options)

    monkeypatch.setattr(worker, "run_model", cancel_first)
    stored = run(prediction)
    assert (stored.status, stored.output, stored.label) == ("canceled", None, "")


def test_final_predictions_cannot_be_canceled(shades, user):
    with pytest.raises(AlreadyFinal) as error:
        cancel_prediction(prediction=make_prediction(user))
    assert error.value.code == "already-final"


def test_a_prediction_that_does_not_start_in_time_fails(shades, user):
    prediction, other = queue_image(user, expires_in=30), queue_image(user)
    assert expire_queued() == 0
    assert expire_queued(now=timezone.now() + timedelta(seconds=31)) == 1
    stored = run(prediction)
    assert (stored.status, stored.error_code, stored.started_at) == ("failed", "deadline-exceeded", None)
    assert run(other).status == "succeeded"


def test_an_expired_prediction_does_not_start(shades, user):
    stored = run(queue_image(user, expires_in=-1))
    assert (stored.status, stored.error_code, stored.started_at) == ("failed", "deadline-exceeded", None)


def test_a_running_prediction_does_not_expire(shades, user):
    prediction = queue_image(user, expires_in=30)
    claim_prediction(prediction.pk)
    assert expire_queued(now=timezone.now() + timedelta(seconds=31)) == 0
    assert Prediction.objects.get().status == "running"


def test_a_deleted_prediction_is_skipped(shades, user):
    prediction = queue_image(user)
    Prediction.objects.all().delete()
    assert not QueuedPrediction.objects.exists()
    run_queued_prediction(str(prediction.pk))
    assert not Prediction.objects.exists()


def test_the_user_of_a_queued_prediction_can_be_deleted(shades, user):
    prediction = queue_image(user)
    user.delete()
    stored = run(prediction)
    assert (stored.status, stored.user) == ("succeeded", None)


def test_waiting_ends_with_the_time_or_the_final_status(shades, user):
    prediction = queue_image(user)
    assert wait_for_final(prediction, seconds=0.05).status == "queued"
    run(prediction)
    assert wait_for_final(prediction, seconds=60).status == "succeeded"


@pytest.mark.django_db(transaction=True)
def test_ten_workers_run_a_prediction_once_while_it_is_canceled(shades, user, monkeypatch):
    runs, results = [], []
    run_model = worker.run_model
    monkeypatch.setattr(
        worker, "run_model", lambda row, *args, **options: runs.append(row.pk) or run_model(row, *args, **options)
    )
    predictions = [queue_image(user) for _ in range(5)]

    def cancel(prediction):
        try:
            results.append((prediction.pk, cancel_prediction(prediction=prediction).status))
        except AlreadyFinal:
            pass
        finally:
            connection.close()

    def work(prediction):
        try:
            run_queued_prediction(str(prediction.pk))
        finally:
            connection.close()

    for prediction in predictions:
        threads = [threading.Thread(target=work, args=[prediction]) for _ in range(4)]
        threads.insert(2, threading.Thread(target=cancel, args=[prediction]))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    statuses = dict(Prediction.objects.values_list("pk", "status"))
    assert len(runs) == len(set(runs))
    assert not QueuedPrediction.objects.exists()
    canceled = {pk for pk, status in statuses.items() if status == "canceled"}
    assert canceled == {pk for pk, _ in results} and set(statuses.values()) <= {"canceled", "succeeded"}
