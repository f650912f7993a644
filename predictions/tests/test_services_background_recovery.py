"""Queued predictions whose worker is busy or lost, that expire, or that are canceled."""

import threading
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from datetime import timedelta
from importlib import import_module

import pytest
from django.db import connection
from django.utils import timezone
from PIL import Image

from core.tests.waiting import wait_until
from inference.errors import ModelLoading
from predictions.models import Prediction, QueuedPrediction
from predictions.services.background import (
    AlreadyFinal,
    cancel_prediction,
    expire_queued,
    requeue_lost,
    run_queued_prediction,
    wait_for_final,
    worker,
)
from predictions.services.background.transitions import claim_prediction
from predictions.tests.factories import make_prediction
from predictions.tests.queued import in_the_future, queue_image, run
from predictions.tests.runtimes import SwitchedRuntime
from registry.serving import lease_predictor

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tasks")]

ROW = {"petals": 5, "length": 4, "colour": "white"}


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


def test_work_does_not_wait_for_a_clock_that_was_set_back(shades, user, tasks, django_capture_on_commit_callbacks):
    waiting, lost = queue_image(user), queue_image(user)
    claim_prediction(lost.pk)
    with django_capture_on_commit_callbacks(execute=True):
        assert requeue_lost(now=timezone.now() - timedelta(minutes=5)) == 0  # the clocks of two machines can differ
        assert requeue_lost(now=timezone.now() - timedelta(hours=1)) == 2
    assert sorted(tasks) == sorted([str(waiting.pk), str(lost.pk)])


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


def test_a_late_result_is_discarded_while_another_worker_runs_the_prediction(shades, user, settings, monkeypatch):
    prediction = queue_image(user)
    run_model = worker.run_model

    def lose_lease(prediction, *args, **options):
        run_model(prediction, *args, **options)
        requeue_lost(now=in_the_future(settings))
        assert claim_prediction(prediction.pk)

    monkeypatch.setattr(worker, "run_model", lose_lease)
    stored = run(prediction)
    assert (stored.status, stored.output) == ("running", None)
    assert QueuedPrediction.objects.get(pk=prediction.pk).attempts == 2


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
