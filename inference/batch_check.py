"""Find out whether a model can run several inputs together, and returns the same results as for each input alone."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import inf
from time import monotonic, perf_counter
from typing import Any

from inference.batcher import MAX_BATCH_ITEMS
from inference.comparison import REPRODUCTION_TOLERANCE, find_differences, get_result_fields
from inference.errors import InferenceError
from inference.messages import format_names
from inference.postprocessing import build_result
from inference.predictor import split_rows
from inference.preprocessing import collate_items, make_sample_input, make_sample_inputs, prepare_input
from inference.tensors import RowByRow
from inference.types import BatchFunction, ModelInput, ModelSpec

logger = logging.getLogger(__name__)

SAMPLE_COUNT = 8
MAX_EXAMPLES = 4
SLOW_RUN_SECONDS = 0.05  # a model that takes longer for one input is compared with few inputs
SLOW_INPUT_COUNT = 3
BUDGET_SECONDS = 3  # after which only one pair of inputs is compared
FIXED_SIZE_NOTICE = "Inputs run one by one, because the artifact has a fixed batch size of 1."
BATCH_SIZES = (2, 4, 8, 16, 32)  # at which models are usually exported
MAX_SEARCH_SECONDS = 2
FULL_BATCH_SECONDS = 0.3  # the estimated duration up to which a batch of the maximum size is compared


@dataclass(frozen=True, slots=True)
class BatchBehavior:
    """How a model runs several inputs.

    Args:
        single_rows: the inputs of a batch must run one by one.
        notices: why, one sentence each.
        compared: the number of inputs that were compared.
    """

    single_rows: bool = False
    notices: tuple[str, ...] = ()
    compared: int = 0


def find_batch_behavior(
    run: BatchFunction,
    spec: ModelSpec,
    *,
    examples: Sequence[ModelInput] = (),
    known_problem: str = "",
    tolerance: float = REPRODUCTION_TOLERANCE,
) -> BatchBehavior:
    """Compare the results of a model for inputs that run alone and together.

    Args:
        run: the function of the runtime. It has already been run successfully on one input.
        examples: real inputs, if there are any. They are compared in addition to generated ones.
        known_problem: why the artifact cannot run a batch, if its metadata shows it.
    """
    check = _BatchCheck(run, spec, tolerance)
    runs_rows = isinstance(run, RowByRow)
    check.run_alone([*examples[:MAX_EXAMPLES], *make_sample_inputs(spec.signature.input, SAMPLE_COUNT)])
    reason = known_problem or next(filter(None, map(check.find_problem, check.iterate_batches())), "")
    if reason and not check.is_deterministic():
        reason = "it is not deterministic: it returned different results for the same input"
    notices = [FIXED_SIZE_NOTICE] if runs_rows else []
    if reason:
        notices.append(f"Inputs run one by one, because the model cannot run a batch: {reason}.")
    return BatchBehavior(runs_rows or bool(reason), (*notices, *check.notices), len(check.items))


def find_fixed_batch_size(run: BatchFunction, spec: ModelSpec) -> int:
    """Return a number of inputs on which a model runs that fails on one input; 0 if none is found in two seconds."""
    sample = make_sample_input(spec.signature.input)
    deadline = monotonic() + MAX_SEARCH_SECONDS
    for size in BATCH_SIZES:
        if monotonic() > deadline:
            break
        try:
            run(collate_items(spec.signature.input, [prepare_input(spec.signature.input, sample)] * size))
        # The model can raise any exception.
        except Exception as error:
            logger.debug("model fails on %s inputs", size, exc_info=error)
        else:
            return size
    return 0


@dataclass(slots=True)
class _BatchCheck:
    """The inputs of a check, as batch items, with their results alone."""

    run: BatchFunction
    spec: ModelSpec
    tolerance: float
    items: list[Any] = field(default_factory=list)
    results: list[dict[str, Any]] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    run_seconds: float = inf
    deadline: float = field(default_factory=lambda: monotonic() + BUDGET_SECONDS)

    def run_alone(self, inputs: Sequence[ModelInput]) -> None:
        """Run each input alone. Inputs that the model rejects are left out: generated values can be meaningless to it."""
        for model_input in inputs:
            needed = 2 if monotonic() > self.deadline else SLOW_INPUT_COUNT
            if self.run_seconds > SLOW_RUN_SECONDS and len(self.items) >= needed:
                return
            item = prepare_input(self.spec.signature.input, model_input)
            started = perf_counter()
            try:
                (result,) = self._run_items([item])
            # The model can raise any exception.
            except Exception as error:
                self._add_missing_notice(model_input, error)
                continue
            self.run_seconds = min(self.run_seconds, perf_counter() - started)
            self.items.append(item)
            self.results.append(result)

    def iterate_batches(self) -> Iterator[list[int]]:
        """Yield batches as indices of items: pairs, all items in both orders, and a batch of the maximum size."""
        indices = list(range(len(self.items)))
        if not indices:
            return
        pair = [indices[0], indices[-1]]
        yield pair
        if monotonic() > self.deadline:
            return
        yield pair[::-1]
        if self.run_seconds > SLOW_RUN_SECONDS:
            return
        yield indices
        yield indices[::-1]
        if self.run_seconds * MAX_BATCH_ITEMS < FULL_BATCH_SECONDS:
            yield [index % len(indices) for index in range(MAX_BATCH_ITEMS)]

    def find_problem(self, indices: Sequence[int]) -> str:
        """Return why the results of a batch are not those of its items alone; empty if they are."""
        try:
            results = self._run_items([self.items[index] for index in indices])
        except InferenceError as error:
            return error.message.rstrip(".")
        # The model can raise any exception.
        except Exception as error:
            return f"it failed on {len(indices)} inputs ({type(error).__name__})"
        for index, result in zip(indices, results, strict=True):
            if differences := find_differences(self.results[index], result, tolerance=self.tolerance):
                return f"its results change ({differences[0]})"
        return ""

    def is_deterministic(self) -> bool:
        """Return whether running each input alone again gives the same results."""
        return not any(map(self.find_problem, ([index] for index in range(len(self.items)))))

    def _run_items(self, items: list[Any]) -> list[dict[str, Any]]:
        signature = self.spec.signature
        rows = split_rows(self.run(collate_items(signature.input, items)), len(items))
        return [get_result_fields(build_result(row, signature.output, self.spec.labels)) for row in rows]

    def _add_missing_notice(self, model_input: ModelInput, error: Exception) -> None:
        if not isinstance(model_input, dict):
            return
        if missing := [name for name, value in model_input.items() if value is None]:
            reason = error.message if isinstance(error, InferenceError) else type(error).__name__
            notice = (
                f"The model failed on a row without {format_names(missing)} ({reason.rstrip('.')}). If it needs a value, "
                "set required = true or a default in model.toml."
            )
            self.notices += [notice] if notice not in self.notices else []
