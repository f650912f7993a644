"""Compare a converted network with the original on the same inputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from time import monotonic
from typing import Any

import numpy as np

from inference.comparison import find_differences, get_result_fields
from inference.errors import ConversionRefused
from inference.postprocessing import build_result
from inference.predictor import split_rows
from inference.preprocessing import collate_items, make_sample_inputs, prepare_input
from inference.types import BatchFunction, ModelInput, ModelSpec

CONVERSION_TOLERANCE = 1e-5
SAMPLE_COUNT = 16
MIN_INPUTS = 4
BUDGET_SECONDS = 3  # after which no more than `MIN_INPUTS` inputs are compared


def measure_difference(
    original: BatchFunction, converted: BatchFunction, spec: ModelSpec, *, examples: Sequence[ModelInput] = ()
) -> float:
    """Return the largest difference between the outputs of two functions, alone and in batches.

    The difference of a number from the original x is divided by the larger of 1 and |x|: it is absolute for numbers up to
    1, such as scores, and relative for larger ones.

    Args:
        examples: real inputs, if there are any. They are compared in addition to generated ones.

    Raises:
        ConversionRefused: a difference is larger than `CONVERSION_TOLERANCE`, a label differs, or one function fails where
            the other one does not.
    """
    signature = spec.signature
    deadline = monotonic() + BUDGET_SECONDS
    items: list[Any] = []
    expected: list[Any] = []
    largest = 0.0
    for model_input in (*examples, *make_sample_inputs(signature.input, SAMPLE_COUNT)):
        if len(items) >= MIN_INPUTS and monotonic() > deadline:
            break
        item = prepare_input(signature.input, model_input)
        rows, received = _run(original, spec, [item]), _run(converted, spec, [item])
        if (rows is None) != (received is None):
            raise ConversionRefused("one of the networks fails on an input")
        if rows is not None and received is not None:
            items.append(item)
            expected += rows
            largest = max(largest, _compare_rows(spec, rows, received))
    if not items:
        raise ConversionRefused("there is no input to compare")
    for batch in _list_batches(len(items)) if not signature.single_rows else ():
        received = _run(converted, spec, [items[index] for index in batch])
        if received is None:
            raise ConversionRefused(f"the converted network fails on {len(batch)} inputs")
        largest = max(largest, _compare_rows(spec, [expected[index] for index in batch], received))
    return largest


def _list_batches(count: int) -> Iterator[list[int]]:
    """Yield batches as indices of items: a pair, and all items in both orders."""
    indices = list(range(count))
    yield [indices[0], indices[-1]]
    yield indices
    yield indices[::-1]


def _run(run: BatchFunction, spec: ModelSpec, items: Sequence[Any]) -> list[Any] | None:
    """Return the rows of output for a batch, or None if the network fails. It can raise any exception."""
    try:
        return split_rows(run(collate_items(spec.signature.input, items)), len(items))
    except Exception:
        return None


def _compare_rows(spec: ModelSpec, expected: Sequence[Any], received: Sequence[Any]) -> float:
    largest = 0.0
    for left, right in zip(expected, received, strict=True):
        pairs = [(left[name], right[name]) for name in left] if isinstance(left, Mapping) else [(left, right)]
        for pair in pairs:
            largest = max(largest, _compare_arrays(*map(np.asarray, pair)))
        results = [get_result_fields(build_result(row, spec.signature.output, spec.labels)) for row in (left, right)]
        if differences := find_differences(*results, tolerance=CONVERSION_TOLERANCE):
            raise ConversionRefused(f"the results differ ({differences[0]})")
    return largest


def _compare_arrays(expected: Any, received: Any) -> float:
    if expected.dtype != received.dtype or expected.shape != received.shape or expected.dtype.kind not in "fiub":
        raise ConversionRefused(
            f"an output is {received.dtype}{list(received.shape)} instead of {expected.dtype}{list(expected.shape)}"
        )
    left, right = (array.astype(np.float64) for array in (expected, received))
    is_same = (left == right) | (np.isnan(left) & np.isnan(right))
    with np.errstate(invalid="ignore"):
        differences = np.where(is_same, 0, np.abs(left - right) / np.maximum(1, np.abs(left)))
    largest = float(differences.max(initial=0))
    if not largest <= CONVERSION_TOLERANCE:
        raise ConversionRefused(f"the outputs differ by {largest:.1e}")
    return largest
