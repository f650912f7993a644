"""The queue of requests that wait for a thread."""

from dataclasses import dataclass

import pytest

from mlsite import request_queue
from mlsite.request_queue import OVERLOADED_AFTER_SECONDS, OVERLOADED_WAIT_SECONDS, RequestQueue

pytestmark = pytest.mark.once


@dataclass
class Item:
    name: int
    is_streamed: bool = False
    queued_at: float = 0.0


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(request_queue, "monotonic", clock)
    return clock


@pytest.fixture
def queue(clock):
    return RequestQueue(threads=4, max_wait_seconds=5)


def overload(queue, clock):
    """Add a request each 10 ms and start one each 40 ms, until the queue is overloaded."""
    number = 0
    while not queue.is_overloaded:
        assert number < 1000
        clock.now += 0.01
        queue.put(Item(number))
        if number % 4 == 0:
            finish(queue, queue.take())
        number += 1
    return number


def finish(queue, item):
    return queue.finish(item, seconds=0.001, cpu_seconds=0.0)


def test_the_oldest_comes_first(queue):
    for number in range(3):
        queue.put(Item(number))
    assert [queue.take().name for _ in range(3)] == [0, 1, 2]
    assert queue.take() is None


def test_a_short_burst_is_no_overload(queue, clock):
    for number in range(100):
        queue.put(Item(number))
    for number in range(100):
        clock.now += OVERLOADED_AFTER_SECONDS / 110
        assert queue.take().name == number
    assert queue.remove_late() == []


def test_in_an_overload_the_newest_comes_first_and_late_ones_are_refused(queue, clock):
    number = overload(queue, clock)
    queue.put(Item(number))
    newest = queue.take()
    assert newest.name == number
    finish(queue, newest)
    clock.now += OVERLOADED_WAIT_SECONDS / 2
    queue.put(Item(-1))
    clock.now += OVERLOADED_WAIT_SECONDS / 2 + 0.01
    refused = queue.remove_late()
    assert len(refused) > 20
    assert -1 not in [item.name for item in refused]


def test_in_an_overload_fewer_threads_run_if_they_compete(queue, clock):
    number = overload(queue, clock)
    item = queue.take()
    queue.finish(item, seconds=1.0, cpu_seconds=1.0)
    clock.now += 1.0
    for _ in range(8):
        queue.put(Item(number))
    assert [queue.take() is not None for _ in range(4)] == [True, True, False, False]


def test_an_overload_ends_when_few_requests_are_left(queue, clock):
    overload(queue, clock)
    clock.now += 10
    queue.remove_late()
    for number in range(2):
        clock.now += 0.01
        queue.put(Item(number))
        finish(queue, queue.take())
    assert not queue.is_overloaded


def test_half_of_the_threads_are_free_of_streamed_requests(queue):
    for number in range(4):
        queue.put(Item(number, is_streamed=True))
    first = queue.take()
    assert [first.name, queue.take().name, queue.take()] == [0, 1, None]
    queue.put(Item(9))
    assert queue.take().name == 9
    assert finish(queue, first) is True  # another one can start
    assert queue.take().name == 2


def test_a_request_does_not_wait_forever(queue, clock):
    queue.put(Item(1))
    queue.put(Item(2, is_streamed=True))
    clock.now += 4.9
    assert queue.remove_late() == []
    clock.now += 0.2
    assert [item.name for item in queue.remove_late()] == [1, 2]
