"""One loaded model version, ready to predict."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from time import perf_counter
from typing import Any, NamedTuple

from inference.batch_results import build_results
from inference.batcher import MAX_BATCH_ITEMS, MAX_QUEUE_ITEMS, BatchResult, MicroBatcher
from inference.chunks import ChunkRunner, ItemOutput
from inference.errors import InferenceError, InferenceTimeout, InvalidOutput, ModelError, ModelFailed
from inference.postprocessing import build_result
from inference.preprocessing import collate_items, find_warnings, make_sample_input, make_sample_inputs, prepare_input
from inference.signature import TableInput
from inference.tensors import RowByRow
from inference.types import BatchFunction, BatchOutput, ModelInput, ModelSpec, PredictionResult, PredictionWarning, Timings

WARM_UP_TIMEOUT_SECONDS = 120
WARM_UP_SAMPLE_COUNT = 4
TIMED_RUN_COUNT = 3
MAX_DIRECT_MILLISECONDS = 5.0
ROWS_PER_ITEM = 32  # a chunk of `predict_many` has this many times more rows than images, because rows need little memory


class _PreparedItem(NamedTuple):
    item: Any = None
    warnings: tuple[PredictionWarning, ...] = ()
    preprocess_ms: float | None = None
    error: InferenceError | None = None


class Predictor:
    """Run one model version. Pre- and postprocessing run in the caller's thread, the model in the batcher's thread.

    A fast model that several threads can call runs in the caller's thread, unless another caller is running it there.
    Passing an item to the batcher's thread and back costs 0.19 ms of CPU under load, more than the digits network itself.
    For a slow model, this cost does not matter, and only callers of the batcher can stop waiting at their deadline.

    Args:
        run: the runtime's function, called by one thread at a time, or by two if `is_reentrant`.
        is_reentrant: several threads can call `run` at the same time.
        max_batch_items, max_queue_items: maximum number of items in a batch, and of items in the queue.
    """

    def __init__(
        self,
        spec: ModelSpec,
        run: BatchFunction,
        *,
        is_reentrant: bool = False,
        max_batch_items: int = MAX_BATCH_ITEMS,
        max_queue_items: int = MAX_QUEUE_ITEMS,
    ) -> None:
        self.spec = spec
        self._is_reentrant = is_reentrant
        self._runs_directly = False  # decided by `warm_up`
        self._direct_lock = threading.Lock()
        self._direct_since: float | None = None
        self._run = RowByRow(run) if spec.signature.single_rows else run
        self._item_seconds = 0.0  # of the last run
        self._max_chunk_items = max_batch_items * (ROWS_PER_ITEM if isinstance(spec.signature.input, TableInput) else 1)
        self._batcher = MicroBatcher(
            self._run_items, max_batch_items=max_batch_items, max_queue_items=max_queue_items, name=f"batch-{spec}"
        )

    def predict(self, model_input: ModelInput, *, timeout: float, timings: Timings | None = None) -> PredictionResult:
        """Return the prediction for one input.

        Args:
            model_input: a decoded image, or a row of features that `read_features` returned.
            timeout: seconds to wait for the model, including the time in the queue.
            timings: updated step by step, even if the model fails.

        Raises:
            Overloaded: the queue is full. The model did not run.
            ModelError: the model failed, was too slow, or returned an invalid output.
        """
        timings = timings or Timings()
        started = perf_counter()
        item = prepare_input(self.spec.signature.input, model_input)
        warnings = find_warnings(self.spec.signature.input, model_input, item)
        timings.preprocess_ms = (perf_counter() - started) * 1000
        result = self._run_together([item], timeout)
        timings.queue_ms, timings.inference_ms = result.queue_ms, result.inference_ms
        prediction = build_result(result.outputs[0], self.spec.signature.output, self.spec.labels)
        return replace(prediction, warnings=warnings) if warnings else prediction

    def predict_many(
        self, model_inputs: Iterable[ModelInput], *, timeout: float, timings: list[Timings] | None = None
    ) -> list[PredictionResult | InferenceError]:
        """Return the prediction, or the error, for each input, in order. An input that fails does not affect the others.

        The inputs run in chunks, and other callers' inputs run between them. If the model fails on a chunk, its halves run
        separately, down to the input that it fails on. After a timeout, the remaining inputs do not run.

        Args:
            model_inputs: read one by one, so that a generator can decode images when they are needed.
            timeout: seconds to wait for one chunk, including the time in the queue.
            timings: one per input is appended. The inference takes as long as that of the whole chunk, as in `predict`.

        Raises:
            Overloaded: the queue is full. The model did not run.
        """
        timings = [] if timings is None else timings
        results: list[PredictionResult | InferenceError] = []
        runner = ChunkRunner(self._run_together, self._max_chunk_items, timeout, item_seconds=self._item_seconds)
        for chunk in self._prepare_chunks(model_inputs):
            outputs = runner.run_all([each.item for each in chunk if each.error is None])
            rows = [output.output for output in outputs if output.error is None]
            built = iter(build_results(rows, self.spec.signature.output, self.spec.labels))
            remaining = iter(outputs)
            for prepared in chunk:
                output = ItemOutput(error=prepared.error) if prepared.error else next(remaining)
                result = output.error or next(built)
                if prepared.warnings and isinstance(result, PredictionResult):
                    result = replace(result, warnings=prepared.warnings)
                results.append(result)
                timings.append(Timings(prepared.preprocess_ms, output.queue_ms, output.inference_ms))
        return results

    def _prepare_chunks(self, model_inputs: Iterable[ModelInput]) -> Iterator[list[_PreparedItem]]:
        """Yield the inputs as batch items, in lists that are as long as the largest chunk."""
        signature_input = self.spec.signature.input
        prepare, find = (function.dispatch(type(signature_input)) for function in (prepare_input, find_warnings))
        chunk: list[_PreparedItem] = []
        for model_input in model_inputs:
            started = perf_counter()
            try:
                item = prepare(signature_input, model_input)
                warnings = find(signature_input, model_input, item)
            except InferenceError as error:
                chunk.append(_PreparedItem(error=error))
            else:
                chunk.append(_PreparedItem(item, warnings, (perf_counter() - started) * 1000))
            if len(chunk) == self._max_chunk_items:
                yield chunk
                chunk = []
        if chunk:
            yield chunk

    def warm_up(self) -> None:
        """Run the model on a sample input, so that the first request does not wait for one-time initialization.

        A model can fail on the first sample, such as a row of zeros that it divides by. Others are then tried.

        Raises:
            ModelError: the model fails on all samples, or its output does not match its signature and labels.
        """
        signature_input = self.spec.signature.input
        sample = make_sample_input(signature_input)
        try:
            self.predict(sample, timeout=WARM_UP_TIMEOUT_SECONDS)
            self._runs_directly = self._is_reentrant and self._is_fast(sample)
        except InferenceTimeout:
            raise
        except ModelError:
            if not any(map(self._can_predict, make_sample_inputs(signature_input, WARM_UP_SAMPLE_COUNT)[1:])):
                raise

    def get_running_seconds(self) -> float:
        """Return how many seconds the model has been running, or 0 if it is not running."""
        since = self._direct_since
        return max(self._batcher.get_running_seconds(), 0.0 if since is None else perf_counter() - since)

    def close(self) -> None:
        """Stop the worker thread once it has processed all queued items."""
        self._batcher.close()

    def _can_predict(self, model_input: ModelInput) -> bool:
        try:
            self.predict(model_input, timeout=WARM_UP_TIMEOUT_SECONDS)
        except ModelError:
            return False
        return True

    def _is_fast(self, sample: ModelInput) -> bool:
        durations = []
        for _ in range(TIMED_RUN_COUNT):
            timings = Timings()
            self.predict(sample, timeout=WARM_UP_TIMEOUT_SECONDS, timings=timings)
            durations.append(timings.inference_ms or 0.0)
        return min(durations) < MAX_DIRECT_MILLISECONDS

    def _run_items(self, items: Sequence[Any]) -> list[Any]:
        started = perf_counter()
        outputs = split_rows(self._run(collate_items(self.spec.signature.input, items)), len(items))
        self._item_seconds = (perf_counter() - started) / len(items)
        return outputs

    def _run_together(self, items: Sequence[Any], timeout: float) -> BatchResult:
        if self._runs_directly and self._direct_lock.acquire(blocking=False):
            try:
                return self._run_directly(items)
            finally:
                self._direct_lock.release()
        queued = self._batcher.submit(items)
        if not queued.wait(timeout):
            queued.cancel()
            raise InferenceTimeout(f"{self.spec} did not respond within {timeout:g} seconds.")
        if queued.result is not None:
            return queued.result
        if isinstance(queued.error, InferenceError):
            raise queued.error
        raise self._build_failure(queued.error) from queued.error

    def _run_directly(self, items: Sequence[Any]) -> BatchResult:
        self._direct_since = started = perf_counter()
        try:
            outputs = self._run_items(items)
        except InferenceError:
            raise
        except Exception as error:  # as in the batcher
            raise self._build_failure(error) from error
        finally:
            self._direct_since = None
        return BatchResult(outputs, 0.0, (perf_counter() - started) * 1000)

    def _build_failure(self, error: BaseException | None) -> ModelFailed:
        """Return the error for the caller of a model that raised another exception, which can be any.

        The message contains only the type, because the text can contain paths. The full error is logged as the cause.
        """
        return ModelFailed(f"{self.spec} failed: {type(error).__name__}.")


SINGLE_ROW_HINT = (
    ". The first axis of each output must be the batch. If the model returns any number of results per input, such as "
    "detections, add this axis to each output when you export it: boxes[None]."
)


def split_rows(output: BatchOutput, count: int) -> list[Any]:
    """Return one row of output per input. If the model has several outputs, each row is a mapping by name."""
    outputs = output if isinstance(output, Mapping) else {"": output}
    for name, array in outputs.items():
        if getattr(array, "ndim", 0) == 0 or len(array) != count:
            received = len(array) if getattr(array, "ndim", 0) else "none"
            hint = SINGLE_ROW_HINT if count == 1 else ""
            raise InvalidOutput(
                f"Expected {count} rows of output{f' {name}' if name else ''} for {count} inputs. Received: {received}{hint}"
            )
    if not isinstance(output, Mapping):
        return list(output)
    return [{name: array[row] for name, array in output.items()} for row in range(count)]
