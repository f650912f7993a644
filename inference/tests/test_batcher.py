import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from inference.batcher import MicroBatcher
from inference.errors import InvalidOutput, Overloaded

TIMEOUT_SECONDS = 10  # reached only when a test fails


class Gate:
    """A batch function that records its batches and blocks until it is opened."""

    def __init__(self, *, open: bool = False) -> None:
        self.batches: list[list[object]] = []
        self.entered = threading.Event()
        self.opened = threading.Event()
        if open:
            self.opened.set()

    def __call__(self, items):
        self.batches.append(items)
        self.entered.set()
        assert self.opened.wait(TIMEOUT_SECONDS)
        return [item * 10 for item in items]


def wait_for_result(item):
    assert item.wait(TIMEOUT_SECONDS)
    assert item.error is None
    return item.result


def wait_for_error(item):
    assert item.wait(TIMEOUT_SECONDS)
    assert item.result is None
    return item.error


def test_each_caller_receives_its_own_output():
    batcher = MicroBatcher(Gate(open=True), max_batch_items=8)
    with ThreadPoolExecutor(16) as threads:
        results = list(threads.map(lambda n: wait_for_result(batcher.submit([n])).outputs[0], range(200)))
    batcher.close()
    assert results == [n * 10 for n in range(200)]


def test_waiting_items_run_as_one_batch_up_to_the_limit():
    gate = Gate()
    batcher = MicroBatcher(gate, max_batch_items=3)
    first = batcher.submit([0])
    assert gate.entered.wait(TIMEOUT_SECONDS)
    others = [batcher.submit([n]) for n in (1, 2, 3, 4)]
    gate.opened.set()
    assert [wait_for_result(item).outputs[0] for item in [first, *others]] == [0, 10, 20, 30, 40]
    assert gate.batches == [[0], [1, 2, 3], [4]]
    batcher.close()


def test_full_queue_rejects_items_immediately():
    gate = Gate()
    batcher = MicroBatcher(gate, max_queue_items=2)
    items = [batcher.submit([0])]
    assert gate.entered.wait(TIMEOUT_SECONDS)
    items += [batcher.submit([1]), batcher.submit([2])]
    with pytest.raises(Overloaded, match="2 requests are already waiting"):
        batcher.submit([3])
    gate.opened.set()
    assert [wait_for_result(item).outputs[0] for item in items] == [0, 10, 20]
    batcher.close()


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3), MemoryError()], ids=lambda error: type(error).__name__)
def test_failed_batch_fails_every_caller_and_the_next_batch_runs(error):
    gate, fail = Gate(), [error]

    def run(items):
        rows = gate(items)
        if len(items) > 1 and fail:
            raise fail.pop()
        return rows

    batcher = MicroBatcher(run, max_batch_items=4)
    first = batcher.submit([0])
    assert gate.entered.wait(TIMEOUT_SECONDS)
    failed = [batcher.submit([n]) for n in (1, 2)]
    gate.opened.set()
    assert wait_for_result(first).outputs[0] == 0
    assert [wait_for_error(item) for item in failed] == [error, error]
    assert wait_for_result(batcher.submit([5])).outputs[0] == 50
    batcher.close()


@pytest.mark.parametrize("rows", [[], [1, 2]])
def test_wrong_number_of_output_rows_fails_the_batch(rows):
    batcher = MicroBatcher(lambda items: rows)
    assert isinstance(wait_for_error(batcher.submit([0])), InvalidOutput)
    batcher.close()


def test_canceled_items_do_not_run():
    gate = Gate()
    batcher = MicroBatcher(gate)
    first = batcher.submit([0])
    assert gate.entered.wait(TIMEOUT_SECONDS)
    batcher.submit([1]).cancel()
    second = batcher.submit([2])
    gate.opened.set()
    assert (wait_for_result(first).outputs[0], wait_for_result(second).outputs[0]) == (0, 20)
    assert gate.batches == [[0], [2]]
    batcher.close()


def test_close_processes_the_queue_and_stops_the_thread():
    gate = Gate()
    batcher = MicroBatcher(gate, name="to-be-closed")
    items = [batcher.submit([n]) for n in range(3)]
    batcher.close()
    gate.opened.set()
    assert [wait_for_result(item).outputs[0] for item in items] == [0, 10, 20]
    for thread in threading.enumerate():
        if thread.name == "to-be-closed":
            thread.join(TIMEOUT_SECONDS)
            assert not thread.is_alive()


def test_durations_are_measured():
    gate = Gate()
    batcher = MicroBatcher(gate)
    first = batcher.submit([0])
    assert gate.entered.wait(TIMEOUT_SECONDS)
    assert batcher.get_running_seconds() > 0
    second = batcher.submit([1])
    gate.opened.set()
    assert wait_for_result(second).queue_ms > 0
    assert wait_for_result(first).inference_ms > 0
    batcher.close()


def test_wait_ends_after_its_timeout_and_can_be_repeated():
    gate = Gate()
    batcher = MicroBatcher(gate)
    item = batcher.submit([1])
    assert [item.wait(0.01), item.wait(-1)] == [False, False]
    gate.opened.set()
    assert [wait_for_result(item).outputs[0], wait_for_result(item).outputs[0]] == [10, 10]
    batcher.close()


def test_threads_never_queue_more_items_than_the_limit():
    gate = Gate()
    batcher = MicroBatcher(gate, max_batch_items=1, max_queue_items=20)
    batcher.submit([0])
    assert gate.entered.wait(TIMEOUT_SECONDS)

    def submit(n):
        try:
            return batcher.submit([n])
        except Overloaded:
            return None

    with ThreadPoolExecutor(16) as threads:
        queued = [item for item in threads.map(submit, range(200)) if item]
    assert len(queued) == 20
    gate.opened.set()
    assert [wait_for_result(item).outputs[0] for item in queued] == [item.items[0] * 10 for item in queued]
    batcher.close()
