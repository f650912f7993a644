"""Convert the output of a model for many inputs to prediction results: the common kinds with array operations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from inference.errors import InferenceError
from inference.postprocessing import SCORE_DECIMALS, SUM_TOLERANCE, Numbers, build_result, format_class
from inference.signature import AnyOutput, ClassesOutput, ValueOutput
from inference.types import PredictionResult

MIN_ROWS = 8  # for fewer, building each result alone is as fast


def build_results(rows: Sequence[Any], output: AnyOutput, labels: Sequence[str]) -> list[PredictionResult | InferenceError]:
    """Return the result of `build_result`, or its error, for each row.

    Probabilities and values that are valid are converted together: 3 instead of 20 µs per row.
    """
    if len(rows) >= MIN_ROWS:
        if isinstance(output, ValueOutput) and (numbers := _stack_numbers(rows, output.name, 1)) is not None:
            return _build_values(rows, numbers, output, labels)
        if isinstance(output, ClassesOutput) and _has_plain_scores(output):
            numbers = _stack_numbers(rows, output.name, len(labels))
            if numbers is not None:
                return _build_classes(rows, numbers, output, labels)
    return [_build_alone(row, output, labels) for row in rows]


def _has_plain_scores(output: ClassesOutput) -> bool:
    """Return whether the output has probabilities, and the label is that of the highest one or a second output."""
    return output.activation == "none" and output.threshold is None and not output.independent


def _stack_numbers(rows: Sequence[Any], name: str, width: int) -> Numbers | None:
    """Return the output with a name as an array `(n, width)`, or None if it does not consist of floats of this shape."""
    if name:
        if not all(isinstance(row, Mapping) and name in row for row in rows):
            return None
        rows = [row[name] for row in rows]
    if set(map(type, rows)) != {np.ndarray} or {(row.shape, row.dtype.kind) for row in rows} != {((width,), "f")}:
        return None
    return np.array(rows, np.float64)


def _build_alone(row: Any, output: AnyOutput, labels: Sequence[str]) -> PredictionResult | InferenceError:
    try:
        return build_result(row, output, labels)
    except InferenceError as error:
        return error


def _build_values(
    rows: Sequence[Any], numbers: Numbers, output: ValueOutput, labels: Sequence[str]
) -> list[PredictionResult | InferenceError]:
    values = numbers[:, 0]
    return [
        PredictionResult({"value": value}, value=value) if is_valid else _build_alone(row, output, labels)
        for row, value, is_valid in zip(rows, values.tolist(), np.isfinite(values).tolist(), strict=True)
    ]


def _build_classes(
    rows: Sequence[Any], numbers: Numbers, output: ClassesOutput, labels: Sequence[str]
) -> list[PredictionResult | InferenceError]:
    with np.errstate(invalid="ignore"):
        is_valid = np.isfinite(numbers).all(axis=1) & (numbers.min(axis=1) >= -SUM_TOLERANCE)
        is_valid &= np.abs(numbers.sum(axis=1) - 1) <= SUM_TOLERANCE
    scores = np.clip(numbers, 0.0, 1.0)
    results: list[PredictionResult | InferenceError] = []
    for row, values, top in zip(rows, scores.tolist(), _find_tops(rows, scores, output, labels), strict=True):
        if top is None or not is_valid[len(results)]:
            results.append(_build_alone(row, output, labels))
            continue
        rounded = [round(score, SCORE_DECIMALS) for score in values]
        results.append(PredictionResult({"scores": dict(zip(labels, rounded, strict=True))}, labels[top], rounded[top]))
    return results


def _find_tops(rows: Sequence[Any], scores: Numbers, output: ClassesOutput, labels: Sequence[str]) -> Sequence[int | None]:
    """Return the index of each predicted label, or None if it is not plain."""
    if not output.label_name:
        indices: list[int | None] = scores.argmax(axis=1).tolist()
        return indices
    classes = {name: index for index, name in enumerate(output.classes or labels)}
    parts = [row.get(output.label_name) if isinstance(row, Mapping) else None for row in rows]
    return [None if part is None else classes.get(format_class(part)) for part in parts]
