"""Callers of a group write together, and none waits forever."""

import threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import IntegrityError, OperationalError

from core.group_commit import GroupCommit, WriteFailure
from core.tests.waiting import wait_until

pytestmark = pytest.mark.once


class Writer:
    """A `write` that records the items of each call, waits for a gate, and then raises or returns what was prepared.

    Gates and errors belong to the first item of a call.
    """

    def __init__(self):
        self.calls, self.failures, self.errors = [], {}, {}
        self.gates = defaultdict(threading.Event)

    def write(self, items):
        self.calls.append(list(items))
        assert self.gates[items[0]].wait(10)
        if items[0] in self.errors:
            raise self.errors[items[0]]
        return [self.failures.get(item) for item in items]

    def open_gates(self, *items):
        for item in items:
            self.gates[item].set()


@pytest.fixture
def writer():
    return Writer()


def submit_in_order(group, threads, items, writer):
    """Submit items, each in its own thread. The first one leads a write, for which the others wait."""
    futures = []
    for count, item in enumerate(items):
        futures.append(threads.submit(group.submit, item))
        wait_until(lambda count=count: writer.calls and len(group._waiting) == count)
    return futures


def test_callers_that_wait_are_written_together_and_get_their_own_outcome(writer):
    rejected = writer.failures[3] = WriteFailure(IntegrityError("no"), is_definite=True)
    group = GroupCommit(writer.write, max_items=3)
    with ThreadPoolExecutor(6) as threads:
        futures = submit_in_order(group, threads, range(6), writer)
        writer.open_gates(0, 1, 4)
        assert [future.result(10) for future in futures] == [None, None, None, rejected, None, None]
    assert writer.calls == [[0], [1, 2, 3], [4, 5]]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("unexpected")], ids=["interrupt", "error"])
def test_an_interrupted_leader_fails_its_followers_and_hands_over(writer, error):
    writer.errors[1] = error
    group = GroupCommit(writer.write, max_items=2)
    with ThreadPoolExecutor(4) as threads:
        futures = submit_in_order(group, threads, range(4), writer)
        writer.open_gates(0, 1, 3, 9)
        with pytest.raises(type(error)):
            futures[1].result(10)
        failure = futures[2].result(10)
        assert (type(failure.error), failure.is_definite) == (OperationalError, False)
        assert [futures[0].result(10), futures[3].result(10)] == [None, None]
    assert group.submit(9) is None
    assert writer.calls == [[0], [1, 2], [3], [9]]


def test_callers_stop_waiting_after_the_deadline(writer):
    """Nothing is stored of an item whose turn did not come. The outcome of one that a leader writes is unknown."""
    group = GroupCommit(writer.write, wait_seconds=0.4)
    with ThreadPoolExecutor(4) as threads:
        first, second = submit_in_order(group, threads, range(2), writer)
        failure = second.result(10)
        assert (type(failure.error), failure.is_definite) == (OperationalError, True)
        others = [threads.submit(group.submit, item) for item in (2, 3)]
        wait_until(lambda: len(group._waiting) == 2)
        leader = group._waiting[0].item
        writer.open_gates(0)
        failure = others[3 - leader].result(10)  # of the other one
        assert (type(failure.error), failure.is_definite) == (OperationalError, False)
        writer.open_gates(leader, 9)
        assert [first.result(10), others[leader - 2].result(10)] == [None, None]
    assert group.submit(9) is None
    assert [sorted(call) for call in writer.calls] == [[0], [2, 3], [9]]
