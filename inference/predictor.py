"""One loaded model version, ready to answer."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import wait
from time import perf_counter
from typing import Any

from inference.batching import CAPACITY, MAX_BATCH, MicroBatcher, Ran
from inference.errors import InferenceError, InferenceTimeout, InvalidOutput, ModelFailed
from inference.postprocessing import to_answer
from inference.preprocessing import collate, prepare, stand_in
from inference.types import Answer, ModelSpec, Output, Run, Timings

WARM_UP_TIMEOUT = 120  # seconds


class Predictor:
    """Preprocess in the caller's thread, run in the batch, postprocess in the caller's thread again.

    Args:
        run: the runtime's function, called by one thread at a time.
        max_batch, capacity: items per batch, and items that may wait for one.
    """

    def __init__(self, spec: ModelSpec, run: Run, *, max_batch: int = MAX_BATCH, capacity: int = CAPACITY) -> None:
        self.spec = spec
        self._run = run
        self._batcher = MicroBatcher(self._run_items, max_batch=max_batch, capacity=capacity, name=f"batch-{spec}")

    def predict(self, asked: Any, *, timeout: float, timings: Timings | None = None) -> Answer:
        """Answer one input.

        Args:
            asked: a decoded image, or a row of features that `read_features` returned.
            timeout: seconds to wait for the model, queue included.
            timings: filled in on the way, also when the model fails.

        Raises:
            Overloaded: nothing was run.
            ModelError: the model failed, was too slow or answered nonsense.
        """
        timings = timings or Timings()
        started = perf_counter()
        item = prepare(self.spec.signature.input, asked)
        timings.preprocess_ms = (perf_counter() - started) * 1000
        ran = self._wait_for(item, timeout)
        timings.queue_ms, timings.inference_ms = ran.queue_ms, ran.inference_ms
        return to_answer(ran.result, self.spec.signature.output, self.spec.labels)

    def warm_up(self) -> None:
        """Run the model once on black or on a row of examples, so that the first caller does not pay for what it does once.

        Raises:
            ModelError: when the model fails or its output does not fit its signature and labels.
        """
        self.predict(stand_in(self.spec.signature.input), timeout=WARM_UP_TIMEOUT)

    def running_for(self) -> float:
        """Return for how many seconds the batch in hand has been running; 0 when idle."""
        return self._batcher.running_for()

    def close(self) -> None:
        """End the worker thread once it has answered what is queued."""
        self._batcher.close()

    def _run_items(self, items: list[Any]) -> list[Any]:
        return _rows(self._run(collate(self.spec.signature.input, items)), len(items))

    def _wait_for(self, item: Any, timeout: float) -> Ran:
        future = self._batcher.submit(item)
        if not wait([future], timeout).done:
            future.cancel()
            raise InferenceTimeout(f"{self.spec} did not answer within {timeout:g} seconds.")
        error = future.exception()
        if error is None:
            return future.result()
        if isinstance(error, InferenceError):
            raise error
        # A model may raise anything. Its type is told; its text, which can hold paths, goes to the log by the cause.
        raise ModelFailed(f"{self.spec} failed: {type(error).__name__}.") from error


def _rows(output: Output, count: int) -> list[Any]:
    """Return one row of output per input; of several outputs, each row names its own."""
    outputs = output if isinstance(output, Mapping) else {"": output}
    for name, array in outputs.items():
        if getattr(array, "ndim", 0) == 0 or len(array) != count:
            received = len(array) if getattr(array, "ndim", 0) else "none"
            raise InvalidOutput(f"Expected {count} rows of output {name} for as many inputs. Received: {received}")
    if not isinstance(output, Mapping):
        return list(output)
    return [{name: array[row] for name, array in output.items()} for row in range(count)]
