"""Run many items in chunks, so that an item that a model fails on does not affect the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic, sleep
from typing import Any, NamedTuple

from inference.batcher import BatchResult
from inference.errors import InferenceError, InferenceTimeout, ModelError, Overloaded

RETRY_SECONDS = 0.01  # between two attempts to queue a chunk
CHUNK_SECONDS = 0.25  # the estimated duration of a chunk, because other requests wait for it

Run = Callable[[Sequence[Any], float], BatchResult]


class ItemOutput(NamedTuple):
    """The output of a model for one item, or the error, and the durations of its chunk in milliseconds."""

    output: Any = None
    error: InferenceError | None = None
    queue_ms: float | None = None
    inference_ms: float | None = None


class ChunkRunner:
    """Run lists of items in chunks, in order.

    The size of the chunks follows the measured duration, so that a chunk of a slow model neither exceeds the timeout nor
    delays other requests for long.

    Args:
        run: runs one chunk, for at most a number of seconds.
        max_items: the largest number of items of a chunk.
        timeout: seconds to wait for one chunk.
        item_seconds: the estimated duration for one item.
    """

    def __init__(self, run: Run, max_items: int, timeout: float, *, item_seconds: float) -> None:
        self._run, self._max_items, self._timeout = run, max_items, timeout
        self._has_run = False
        self._stopped_by: InferenceError | None = None
        self._resize(item_seconds)

    def run_all(self, items: Sequence[Any]) -> list[ItemOutput]:
        """Return one output or error per item, in order. After a timeout, no more items run.

        Raises:
            Overloaded: the queue is full, and no item has run.
        """
        outputs: list[ItemOutput] = []
        while len(outputs) < len(items) and self._stopped_by is None:
            outputs += self._run_chunk(items[len(outputs) : len(outputs) + self._size])
        return outputs + [ItemOutput(error=self._stopped_by)] * (len(items) - len(outputs))

    def _run_chunk(self, items: Sequence[Any]) -> list[ItemOutput]:
        """Run a chunk. If the model fails on it, run its halves, down to the item that it fails on."""
        if self._stopped_by is not None:
            return [ItemOutput(error=self._stopped_by)] * len(items)
        try:
            result = self._run_when_possible(items)
        except (InferenceTimeout, Overloaded) as error:  # the next chunk would only wait as long
            if isinstance(error, Overloaded) and not self._has_run:
                raise
            self._stopped_by = error
            return [ItemOutput(error=error)] * len(items)
        except ModelError as error:
            self._has_run = True
            if len(items) == 1:
                return [ItemOutput(error=error)]
            middle = len(items) // 2
            return [output for half in (items[:middle], items[middle:]) for output in self._run_chunk(half)]
        self._has_run = True
        self._resize(result.inference_ms / 1000 / len(items))
        return [ItemOutput(output, None, result.queue_ms, result.inference_ms) for output in result.outputs]

    def _run_when_possible(self, items: Sequence[Any]) -> BatchResult:
        """Run a chunk. Once items have run, wait for a place in a full queue."""
        deadline = monotonic() + self._timeout
        while True:
            try:
                return self._run(items, max(0.0, deadline - monotonic()))
            except Overloaded:
                if not self._has_run or monotonic() + RETRY_SECONDS > deadline:
                    raise
            sleep(RETRY_SECONDS)

    def _resize(self, item_seconds: float) -> None:
        size = min(CHUNK_SECONDS, self._timeout / 4) / max(item_seconds, 1e-9)
        self._size = max(1, min(self._max_items, int(size)))
