"""Run what waits together: many callers, one worker thread, one call per batch."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from inference.errors import InvalidOutput, Overloaded

MAX_BATCH = 32  # items
CAPACITY = 128  # items waiting


@dataclass(frozen=True, slots=True)
class Ran:
    """One item's result, and how long it waited and its whole batch ran, in milliseconds."""

    result: Any
    queue_ms: float
    inference_ms: float


@dataclass(slots=True)
class _Waiting:
    item: Any
    future: Future[Ran]
    since: float


class MicroBatcher:
    """A bounded queue before a callable that takes a list of items and returns as many results.

    The worker blocks for the first item, gathers what waits already, up to `max_batch`, and runs it at once: it never
    waits for company, so a lone request is not delayed.

    Args:
        run: called by the worker thread only, with 1 to `max_batch` items; returns a sequence.
        capacity: items that may wait; one more is refused.
    """

    def __init__(
        self,
        run: Callable[[list[Any]], Any],
        *,
        max_batch: int = MAX_BATCH,
        capacity: int = CAPACITY,
        name: str = "batcher",
    ) -> None:
        self._run = run
        self._max_batch = max_batch
        self._queue: queue.Queue[_Waiting | None] = queue.Queue(capacity)
        self._running_since: float | None = None
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def submit(self, item: Any) -> Future[Ran]:
        """Queue one item.

        Raises:
            Overloaded: when the queue is full. Nothing was queued.
        """
        waiting = _Waiting(item, Future(), perf_counter())
        try:
            self._queue.put_nowait(waiting)
        except queue.Full:
            raise Overloaded(
                f"The model is busy: {self._queue.maxsize} requests wait already. Try again in a moment."
            ) from None
        return waiting.future

    def running_for(self) -> float:
        """Return for how many seconds the batch in hand has been running; 0 when idle."""
        since = self._running_since
        return 0.0 if since is None else perf_counter() - since

    def close(self) -> None:
        """Let the worker finish what is queued, then end. Items queued after this wait for ever: stop asking first."""
        self._queue.put(None)

    def _work(self) -> None:
        while (first := self._queue.get()) is not None:
            batch, last = self._gather(first)
            if batch:
                self._answer(batch)
            if last:
                return

    def _gather(self, first: _Waiting) -> tuple[list[_Waiting], bool]:
        """Return the next batch without the items given up meanwhile, and whether the end was seen."""
        gathered: list[_Waiting] = [first]
        last = False
        while len(gathered) < self._max_batch and not last:
            try:
                waiting = self._queue.get_nowait()
            except queue.Empty:
                break
            if waiting is None:
                last = True
            else:
                gathered.append(waiting)
        return [waiting for waiting in gathered if waiting.future.set_running_or_notify_cancel()], last

    def _answer(self, batch: list[_Waiting]) -> None:
        self._running_since = started = perf_counter()
        try:
            results = self._run([waiting.item for waiting in batch])
            if len(results) != len(batch):
                raise InvalidOutput(f"Expected {len(batch)} rows of output for as many inputs. Received: {len(results)}")
        # Whatever the model raised, every caller waiting for it must hear of it: silence would be a hang.
        except BaseException as error:
            for waiting in batch:
                waiting.future.set_exception(error)
        else:
            ran_ms = (perf_counter() - started) * 1000
            for waiting, result in zip(batch, results, strict=True):
                waiting.future.set_result(Ran(result, (started - waiting.since) * 1000, ran_ms))
        finally:
            self._running_since = None
