"""Convert the output of a model for many inputs to prediction results: the common kinds with array operations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from inference.errors import InferenceError
from inference.postprocessing import SCORE_DECIMALS, SUM_TOLERANCE, build_result
from inference.signature import AnyOutput, ClassesOutput, ValueOutput
from inference.types import AnyArray, PredictionResult

MIN_ROWS = 8  # for fewer, building each result alone is as fast


def build_results(rows: Sequence[Any], output: AnyOutput, labels: Sequence[str]) -> list[PredictionResult | InferenceError]:
    """Return the result of `build_result`, or its error, for each row.

    Probabilities and values that are valid are converted together: 2 instead of 15 us per row.
    """
    if len(rows) >= MIN_ROWS and _are_equal_arrays(rows):
        if isinstance(output, ValueOutput) and not output.name and rows[0].size == 1:
            return _build_values(rows, output, labels)
        if _has_plain_scores(output) and rows[0].shape == (len(labels),):
            return _build_classes(rows, output, labels)
    return [_build_alone(row, output, labels) for row in rows]


def _are_equal_arrays(rows: Sequence[Any]) -> bool:
    """Return whether all rows are arrays of floats with the same shape. Halves of a failed chunk could differ."""
    if not all(isinstance(row, np.ndarray) for row in rows):
        return False
    return rows[0].dtype.kind == "f" and len({(row.shape, row.dtype) for row in rows}) == 1


def _has_plain_scores(output: AnyOutput) -> bool:
    """Return whether the output is one array of probabilities, and the label is that of the highest one."""
    return isinstance(output, ClassesOutput) and not (
        output.name or output.label_name or output.activation != "none" or output.independent or output.threshold is not None
    )


def _build_alone(row: Any, output: AnyOutput, labels: Sequence[str]) -> PredictionResult | InferenceError:
    try:
        return build_result(row, output, labels)
    except InferenceError as error:
        return error


def _build_values(
    rows: Sequence[AnyArray], output: AnyOutput, labels: Sequence[str]
) -> list[PredictionResult | InferenceError]:
    numbers = np.array(rows, np.float64).reshape(len(rows))
    return [
        PredictionResult({"value": value}, value=value) if is_valid else _build_alone(row, output, labels)
        for row, value, is_valid in zip(rows, numbers.tolist(), np.isfinite(numbers).tolist(), strict=True)
    ]


def _build_classes(
    rows: Sequence[AnyArray], output: AnyOutput, labels: Sequence[str]
) -> list[PredictionResult | InferenceError]:
    numbers = np.array(rows, np.float64)
    with np.errstate(invalid="ignore"):
        is_valid = np.isfinite(numbers).all(axis=1) & (numbers.min(axis=1) >= -SUM_TOLERANCE)
        is_valid &= np.abs(numbers.sum(axis=1) - 1) <= SUM_TOLERANCE
    scores = np.clip(numbers, 0.0, 1.0)
    tops = scores.argmax(axis=1).tolist()
    results: list[PredictionResult | InferenceError] = []
    for row, values, top, is_row_valid in zip(rows, scores.tolist(), tops, is_valid.tolist(), strict=True):
        if not is_row_valid:
            results.append(_build_alone(row, output, labels))
            continue
        rounded = [round(score, SCORE_DECIMALS) for score in values]
        results.append(PredictionResult({"scores": dict(zip(labels, rounded, strict=True))}, labels[top], rounded[top]))
    return results
