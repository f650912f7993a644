"""The threads that run background tasks, and the tasks themselves."""

import threading
import time

import pytest
from django.db import transaction

from core import tasks
from core.executor import MAX_WAITING_TASKS, Executor
from core.tasks import background_task, enqueue, get_executor, load_tasks, run_task


@pytest.fixture
def gate():
    """Return an event that tasks wait for. It is set after the test."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def start():
    """Return a function that creates an executor and stops it after the test."""
    executors = []

    def create(handler, thread_count=2):
        executors.append(Executor(handler, thread_count=thread_count))
        return executors[-1]

    yield create
    for executor in executors:
        executor.stop(0)


@pytest.mark.once
def test_tasks_run_in_order_and_errors_do_not_stop_the_thread(start, caplog):
    ran = []

    def handle(name, row_id):
        ran.append(row_id)
        if row_id == "2":
            raise ValueError("a task that fails")

    executor = start(handle, thread_count=1)
    assert all(executor.submit("a", str(number)) for number in range(5))
    assert executor.wait_until_idle(5)
    assert ran == ["0", "1", "2", "3", "4"]
    assert "a task that fails" in caplog.text


@pytest.mark.once
def test_a_task_that_waits_is_not_added_twice_but_one_that_runs_is(start, gate):
    ran = []

    def handle(name, row_id):
        ran.append(row_id)
        gate.wait(5)

    executor = start(handle, thread_count=1)
    executor.submit("a", "1")
    while not ran:
        time.sleep(0.001)
    for _ in range(3):
        executor.submit("a", "1")
        executor.submit("a", "2")
    gate.set()
    assert executor.wait_until_idle(5)
    assert ran == ["1", "1", "2"]


@pytest.mark.once
def test_tasks_use_as_many_threads_as_configured(start):
    barrier = threading.Barrier(3)
    executor = start(lambda name, row_id: barrier.wait(5), thread_count=2)
    executor.submit("a", "1")
    executor.submit("a", "2")
    barrier.wait(5)
    assert executor.wait_until_idle(5)


@pytest.mark.once
def test_stop_drops_waiting_tasks_and_waits_for_running_ones(start, gate):
    ran = []

    def handle(name, row_id):
        gate.wait(5)
        ran.append(row_id)

    executor = start(handle, thread_count=1)
    executor.submit("a", "1")
    executor.submit("a", "2")
    while executor._running_count == 0:
        time.sleep(0.001)
    threading.Timer(0.1, gate.set).start()
    executor.stop(5)
    assert ran == ["1"]
    assert not executor.submit("a", "3")


@pytest.mark.once
def test_stop_does_not_wait_longer_than_allowed(start, gate):
    executor = start(lambda name, row_id: gate.wait(5), thread_count=1)
    executor.submit("a", "1")
    started = time.monotonic()
    executor.stop(0.1)
    assert time.monotonic() - started < 2


@pytest.mark.once
def test_the_number_of_waiting_tasks_is_limited(start, gate):
    executor = start(lambda name, row_id: gate.wait(5), thread_count=1)
    assert all(executor.submit("a", str(number)) for number in range(MAX_WAITING_TASKS))
    assert not all(executor.submit("b", str(number)) for number in range(2))


@pytest.mark.once
def test_a_thread_that_does_not_start_is_started_with_the_next_task(start, monkeypatch):
    ran = []
    executor = start(lambda name, row_id: ran.append(row_id), thread_count=1)
    with monkeypatch.context() as patch, pytest.raises(RuntimeError):
        patch.setattr(threading.Thread, "start", refuse)
        executor.submit("a", "1")
    executor.submit("a", "2")
    assert executor.wait_until_idle(5)
    assert ran == ["1", "2"]


def refuse(thread):
    """Fail as `Thread.start` does if the system has no thread left."""
    raise RuntimeError("can't start new thread")


@pytest.mark.once
def test_every_task_of_the_apps_is_known():
    assert load_tasks() == [
        "accounts.run_erasure",
        "accounts.send_password_reset",
        "evaluation.run_replay",
        "events.delete_deliveries",
        "predictions.run_batch_job",
        "predictions.run_prediction",
    ]


@pytest.mark.django_db(transaction=True)
def test_a_task_runs_after_the_commit_and_never_after_a_rollback(monkeypatch):
    ran = []
    monkeypatch.setattr(tasks, "_tasks", dict(tasks._tasks))
    background_task("core.record")(ran.append)
    with transaction.atomic():
        enqueue("core.record", "1")
        assert get_executor().wait_until_idle(5)
        assert ran == []
    assert get_executor().wait_until_idle(5)
    assert ran == ["1"]
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        enqueue("core.record", "2")
        raise ZeroDivisionError
    assert get_executor().wait_until_idle(5)
    assert ran == ["1"]


@pytest.mark.django_db(transaction=True)
def test_an_error_of_the_executor_does_not_reach_the_caller_whose_row_is_stored(monkeypatch, caplog):
    monkeypatch.setattr(threading.Thread, "start", refuse)
    monkeypatch.setattr(tasks, "get_executor", lambda: Executor(print, thread_count=1))
    with transaction.atomic():
        enqueue("core.record", "1")
    enqueue("core.record", "2")
    assert caplog.text.count("can't start new thread") >= 2


@pytest.mark.once
def test_an_unknown_task_is_an_error():
    with pytest.raises(KeyError, match="unknown"):
        run_task("unknown", "1")
