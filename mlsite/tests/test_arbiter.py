"""The master replaces workers one by one. What it and the workers override in gunicorn must not change unnoticed."""

import inspect
import signal
from itertools import count
from types import SimpleNamespace

import gunicorn
import pytest
from gunicorn.arbiter import Arbiter
from gunicorn.workers.gthread import TConn, ThreadWorker

from mlsite import arbiter, worker
from mlsite.arbiter import RollingArbiter
from mlsite.worker import NOT_ACCEPTING, connection_counts

pytestmark = pytest.mark.once
SIGNATURES = {
    Arbiter.manage_workers: ["self"],
    Arbiter.reload: ["self"],
    Arbiter.spawn_worker: ["self"],
    Arbiter.kill_worker: ["self", "pid", "sig"],
    ThreadWorker.accept: ["self", "listener"],
    ThreadWorker.set_accept_enabled: ["self", "enabled"],
    ThreadWorker.wait_for_and_dispatch_events: ["self", "timeout"],
    ThreadWorker.handle: ["self", "conn"],
    ThreadWorker.handle_request: ["self", "req", "conn"],
    ThreadWorker.finish_request: ["self", "conn", "fs"],
    ThreadWorker.murder_keepalived: ["self", "force"],
    ThreadWorker.on_client_socket_readable: ["self", "conn", "client"],
    TConn.close: ["self", "graceful"],
}


class RecordingArbiter(RollingArbiter):
    """A master whose workers are no processes. A new worker is cold until its connections are counted."""

    def __init__(self, workers):
        self.WORKERS, self.stopped, self.numbers = {}, [], count(1)
        self.cfg = SimpleNamespace(graceful_timeout=30)
        self._num_workers, self.worker_age = workers, 0
        self.manage_workers()

    def spawn_worker(self):
        self.worker_age = age = next(self.numbers)
        self.WORKERS[age] = SimpleNamespace(age=age, pid=age, slot=age, stops_since=0.0, has_accepted=False)

    def kill_worker(self, pid, sig):
        self.stopped.append((pid, sig))

    def set_warm(self, *ages):
        for age in ages:
            connection_counts[age] = 0
        self.manage_workers()


@pytest.fixture
def master():
    yield RecordingArbiter(2)
    for slot in range(10):
        connection_counts[slot] = NOT_ACCEPTING


def test_an_old_worker_stops_when_its_successor_is_warm(master):
    master.set_warm(1, 2)
    master.last_old_age = master.worker_age  # as `reload` does
    for successor, stopped in ((3, [1]), (4, [1, 2])):
        master.manage_workers()
        master.manage_workers()
        assert list(master.WORKERS)[-1] == successor
        master.set_warm(successor)
        assert master.stopped == [(pid, signal.SIGTERM) for pid in stopped]
    master.WORKERS = {age: master.WORKERS[age] for age in (3, 4)}
    master.manage_workers()
    assert list(master.WORKERS) == [3, 4]


def test_a_worker_that_stops_by_itself_is_replaced_before_it_exits(master, monkeypatch):
    master.set_warm(1, 2)
    connection_counts[1] = NOT_ACCEPTING
    master.manage_workers()
    master.manage_workers()
    assert (list(master.WORKERS), master.stopped) == ([1, 2, 3], [])
    monkeypatch.setattr(arbiter, "KILL_SECONDS", -31)  # as if the graceful timeout were over
    master.manage_workers()
    assert master.stopped == [(1, signal.SIGKILL)]


def test_the_number_of_workers_can_change(master):
    master.set_warm(1, 2)
    master._num_workers = 1
    master.manage_workers()
    assert master.stopped == [(1, signal.SIGTERM)]
    master._num_workers = 3
    master.manage_workers()
    assert list(master.WORKERS) == [1, 2, 3, 4]


@pytest.mark.parametrize("method", SIGNATURES, ids=lambda method: method.__qualname__)
def test_gunicorn_is_the_version_that_the_overrides_were_written_for(method):
    assert gunicorn.version_info[0] == 27, "Read the changes of gunicorn, and check mlsite/arbiter.py and mlsite/worker.py."
    assert list(inspect.signature(method).parameters) == SIGNATURES[method]
    assert {"keepalived_conns", "nr_conns", "_accepting", "method_queue", "tpool", "poller"} <= set(
        ThreadWorker.__init__.__code__.co_names
    )
    assert worker.BalancedThreadWorker.run is ThreadWorker.run
