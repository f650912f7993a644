import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from inference.batching import MicroBatcher
from inference.errors import InvalidOutput, Overloaded

SOON = 10  # seconds; no test waits this long unless it fails


class Gate:
    """A callable to batch that notes its batches and waits until it is let go."""

    def __init__(self, *, open: bool = False) -> None:
        self.batches: list[list[object]] = []
        self.entered = threading.Event()
        self.go = threading.Event()
        if open:
            self.go.set()

    def __call__(self, items):
        self.batches.append(items)
        self.entered.set()
        assert self.go.wait(SOON)
        return [item * 10 for item in items]


def test_answers_each_caller_with_its_own_result():
    batcher = MicroBatcher(Gate(open=True), max_batch=8)
    with ThreadPoolExecutor(16) as threads:
        results = list(threads.map(lambda n: batcher.submit(n).result(SOON).result, range(200)))
    batcher.close()
    assert results == [n * 10 for n in range(200)]


def test_runs_together_what_waits_and_no_more_than_fit():
    gate = Gate()
    batcher = MicroBatcher(gate, max_batch=3)
    first = batcher.submit(0)
    assert gate.entered.wait(SOON)
    others = [batcher.submit(n) for n in (1, 2, 3, 4)]
    gate.go.set()
    assert [future.result(SOON).result for future in [first, *others]] == [0, 10, 20, 30, 40]
    assert gate.batches == [[0], [1, 2, 3], [4]]
    batcher.close()


def test_refuses_at_once_when_the_queue_is_full():
    gate = Gate()
    batcher = MicroBatcher(gate, capacity=2)
    futures = [batcher.submit(0)]
    assert gate.entered.wait(SOON)
    futures += [batcher.submit(1), batcher.submit(2)]
    with pytest.raises(Overloaded, match="2 requests wait"):
        batcher.submit(3)
    gate.go.set()
    assert [future.result(SOON).result for future in futures] == [0, 10, 20]
    batcher.close()


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3), MemoryError()], ids=lambda error: type(error).__name__)
def test_a_failing_batch_fails_every_waiter_and_the_next_batch_runs(error):
    gate, fail = Gate(), [error]

    def run(items):
        rows = gate(items)
        if len(items) > 1 and fail:
            raise fail.pop()
        return rows

    batcher = MicroBatcher(run, max_batch=4)
    first = batcher.submit(0)
    assert gate.entered.wait(SOON)
    doomed = [batcher.submit(n) for n in (1, 2)]
    gate.go.set()
    assert first.result(SOON).result == 0
    assert [future.exception(SOON) for future in doomed] == [error, error]
    assert batcher.submit(5).result(SOON).result == 50
    batcher.close()


@pytest.mark.parametrize("rows", [[], [1, 2]])
def test_a_model_that_returns_another_number_of_rows_fails_the_batch(rows):
    batcher = MicroBatcher(lambda items: rows)
    assert isinstance(batcher.submit(0).exception(SOON), InvalidOutput)
    batcher.close()


def test_what_its_caller_gave_up_is_not_run():
    gate = Gate()
    batcher = MicroBatcher(gate)
    first = batcher.submit(0)
    assert gate.entered.wait(SOON)
    assert batcher.submit(1).cancel()
    kept = batcher.submit(2)
    gate.go.set()
    assert (first.result(SOON).result, kept.result(SOON).result) == (0, 20)
    assert gate.batches == [[0], [2]]
    batcher.close()


def test_close_answers_what_is_queued_and_ends_the_thread():
    gate = Gate()
    batcher = MicroBatcher(gate, name="to-be-closed")
    futures = [batcher.submit(n) for n in range(3)]
    batcher.close()
    gate.go.set()
    assert [future.result(SOON).result for future in futures] == [0, 10, 20]
    for thread in threading.enumerate():
        if thread.name == "to-be-closed":
            thread.join(SOON)
            assert not thread.is_alive()


def test_tells_how_long_an_item_waited_and_ran():
    gate = Gate()
    batcher = MicroBatcher(gate)
    first, second = batcher.submit(0), None
    assert gate.entered.wait(SOON)
    assert batcher.running_for() > 0
    second = batcher.submit(1)
    gate.go.set()
    assert second.result(SOON).queue_ms > 0
    assert first.result(SOON).inference_ms > 0
    batcher.close()
