"""Run many items in chunks, so that an item that a model fails on does not affect the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import Any

from inference.batcher import BatchResult
from inference.errors import InferenceError, InferenceTimeout, ModelError, Overloaded

RETRY_SECONDS = 0.01  # between two attempts to queue a chunk
CHUNK_SECONDS = 0.25  # the estimated duration of a chunk, because other requests wait for it

Run = Callable[[Sequence[Any], float], BatchResult]


@dataclass(frozen=True, slots=True)
class ItemOutput:
    """The output of a model for one item, or the error, and the durations of its chunk in milliseconds."""

    output: Any = None
    error: InferenceError | None = None
    queue_ms: float | None = None
    inference_ms: float | None = None


@dataclass(slots=True)
class ChunkRunner:
    """Run a list of items in order.

    Args:
        run: runs one chunk, for at most a number of seconds.
        max_items: the largest number of items of a chunk.
        timeout: seconds to wait for one chunk.
    """

    run: Run
    max_items: int
    timeout: float
    outputs: list[ItemOutput] = field(default_factory=list)
    _size: int = 1

    def run_all(self, items: Sequence[Any], *, item_seconds: float) -> list[ItemOutput]:
        """Return one output or error per item, in order.

        The size of the chunks follows the measured duration, so that a chunk of a slow model neither exceeds the timeout nor
        delays other requests for long.

        Args:
            item_seconds: the estimated duration for one item.

        Raises:
            Overloaded: the queue is full, and no item has run.
        """
        self._resize(item_seconds)
        while len(self.outputs) < len(items):
            start = len(self.outputs)
            self._run_chunk(items[start : start + self._size])
            last = self.outputs[-1].error
            if isinstance(last, InferenceTimeout | Overloaded):  # the next chunk would only wait as long
                self.outputs += [ItemOutput(error=last)] * (len(items) - len(self.outputs))
        return self.outputs

    def _run_chunk(self, items: Sequence[Any]) -> None:
        """Run a chunk. If the model fails on it, run its halves, down to the item that it fails on."""
        try:
            result = self._run_when_possible(items)
        except ModelError as error:
            if len(items) == 1 or isinstance(error, InferenceTimeout):
                self.outputs += [ItemOutput(error=error)] * len(items)
                return
            middle = len(items) // 2
            for half in (items[:middle], items[middle:]):
                self._run_chunk(half)
            return
        except Overloaded as error:
            if not self.outputs:
                raise
            self.outputs += [ItemOutput(error=error)] * len(items)
            return
        self.outputs += [ItemOutput(output, None, result.queue_ms, result.inference_ms) for output in result.outputs]
        self._resize(result.inference_ms / 1000 / len(items))

    def _run_when_possible(self, items: Sequence[Any]) -> BatchResult:
        """Run a chunk. Once items have run, wait for a place in a full queue."""
        deadline = monotonic() + self.timeout
        while True:
            try:
                return self.run(items, max(0.0, deadline - monotonic()))
            except Overloaded:
                if not self.outputs or monotonic() + RETRY_SECONDS > deadline:
                    raise
            sleep(RETRY_SECONDS)

    def _resize(self, item_seconds: float) -> None:
        self._size = max(1, min(self.max_items, int(min(CHUNK_SECONDS, self.timeout / 4) / max(item_seconds, 1e-9))))
