"""Convert one row of a model's output to a prediction result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from inference.errors import InvalidOutput
from inference.signature import AnyOutput, ClassesOutput, LabelOutput, LabelsOutput, RawOutput, ValueOutput
from inference.types import PredictionResult

Numbers = npt.NDArray[np.float64]

SUM_TOLERANCE = 1e-2  # for the sum of probabilities, because float16 networks round coarsely
SCORE_DECIMALS = 7  # the precision of float32
MAX_RAW_VALUES = 65_536  # of one stored raw output
MAX_RAW_TEXT_LENGTH = 10_000  # characters of one string in a raw output


def build_result(row: Any, output: AnyOutput, labels: Sequence[str]) -> PredictionResult:
    """Return the prediction result for one row, as defined by the output part of the signature.

    Args:
        row: an array without the batch dimension, or several arrays by name.

    Raises:
        InvalidOutput: the row does not match the signature and labels, or a number is not finite.
    """
    return RESULT_BUILDERS[output.kind](row, output, labels)


def _build_classes_result(row: Any, output: ClassesOutput, labels: Sequence[str]) -> PredictionResult:
    """Return scores by label.

    The row has shape `(len(labels),)`, or `(1,)` for two labels, or is a mapping of class to score (ONNX ZipMap). If only
    the output with the label has a name, the others are one score each, in the order of the labels. Of equal scores, the
    first is the highest.
    """
    classes = output.classes or tuple(labels)
    if output.label_name and not output.name and isinstance(row, Mapping):
        selected: Any = [row[name] for name in row if name != output.label_name]
    else:
        selected = select_output(row, output.name)
    if isinstance(selected, Mapping):
        selected = _order_scores(selected, classes)
    scores = _to_class_scores(_to_numbers(selected).ravel(), output, len(labels))
    if output.label_name:
        top = _find_class(select_output(row, output.label_name), classes)
    elif output.threshold is not None:
        top = int(scores[1] >= output.threshold)
    else:
        top = int(np.argmax(scores))
    rounded = [round(float(score), SCORE_DECIMALS) for score in scores]
    return PredictionResult(
        output={"scores": dict(zip(labels, rounded, strict=True))}, label=labels[top], confidence=rounded[top]
    )


def _build_labels_result(row: Any, output: LabelsOutput, labels: Sequence[str]) -> PredictionResult:
    """Return the predicted labels of a multi-label model, and a score by label. The row has shape `(len(labels),)`."""
    scores = _apply_activation(_check_finite(_to_numbers(select_output(row, output.name)).ravel()), output.activation)
    if scores.shape != (len(labels),):
        raise InvalidOutput(f"Expected {len(labels)} numbers, one for each label. Received: {scores.size}")
    if scores.min() < -SUM_TOLERANCE or scores.max() > 1 + SUM_TOLERANCE:
        raise InvalidOutput(
            "Expected scores from 0 to 1. If the model returns logits, set the activation in model.toml: "
            f'[output] activation = "sigmoid". Received: {scores.min():.4g} to {scores.max():.4g}'
        )
    if output.label_name:
        predicted = _to_numbers(select_output(row, output.label_name)).ravel() > 0
    else:
        predicted = scores >= np.broadcast_to(output.thresholds, scores.shape)
    rounded = [round(float(score), SCORE_DECIMALS) for score in np.clip(scores, 0.0, 1.0)]
    chosen = [label for label, is_predicted in zip(labels, predicted, strict=True) if is_predicted]
    return PredictionResult(output={"scores": dict(zip(labels, rounded, strict=True)), "labels": chosen})


def _build_label_result(row: Any, output: LabelOutput, labels: Sequence[str]) -> PredictionResult:
    classes = output.classes or tuple(labels)
    label = labels[_find_class(select_output(row, output.name), classes)]
    return PredictionResult(output={"label": label}, label=label)


def _build_value_result(row: Any, output: ValueOutput, labels: Sequence[str]) -> PredictionResult:
    numbers = _to_numbers(select_output(row, output.name)).ravel()
    if numbers.size != 1:
        raise InvalidOutput(
            f"Expected one number, the value. Received: {numbers.size}. To store several numbers, set "
            'kind = "raw" in [output].'
        )
    value = _check_finite(numbers)[0].item()
    return PredictionResult(output={"value": value}, value=value)


def _build_raw_result(row: Any, output: RawOutput, labels: Sequence[str]) -> PredictionResult:
    selected = select_output(row, output.name) if output.name or not isinstance(row, Mapping) else row
    return PredictionResult(output={"raw": _to_json(selected)})


RESULT_BUILDERS: dict[str, Callable[[Any, Any, Sequence[str]], PredictionResult]] = {
    ClassesOutput.kind: _build_classes_result,
    LabelsOutput.kind: _build_labels_result,
    LabelOutput.kind: _build_label_result,
    ValueOutput.kind: _build_value_result,
    RawOutput.kind: _build_raw_result,
}


def select_output(row: Any, name: str) -> Any:
    """Return the output with this name, or the only output if the name is empty."""
    if not isinstance(row, Mapping):
        if name:
            raise InvalidOutput(f"Expected an output named {name!r}. The model has a single output without a name.")
        return row
    if name in row:
        return _unwrap_object(row[name])
    if not name and all(isinstance(score, float | np.floating) for score in row.values()):
        return row  # a mapping of class to score, or one output per class
    if not name and len(row) == 1:  # some functions of MLflow name their only output
        return _unwrap_object(next(iter(row.values())))
    raise InvalidOutput(f"Expected [output] name to be one of {', '.join(map(str, row))}. Received: {name!r}")


def _unwrap_object(part: Any) -> Any:
    """Return the object inside a zero-dimensional object array, or the argument."""
    return part.item() if isinstance(part, np.ndarray) and part.shape == () and part.dtype.kind == "O" else part


def _to_numbers(part: Any) -> Numbers:
    try:
        return np.asarray(part, np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidOutput(f"Expected numbers from the model. Received: {part!r:.100}") from error


def _check_finite(numbers: Numbers) -> Numbers:
    if not np.isfinite(numbers).all():
        raise InvalidOutput("The model returned numbers that are not finite (NaN or infinity).")
    return numbers


def _order_scores(scores: Mapping[Any, Any], classes: Sequence[str]) -> list[Any]:
    """Return the scores in the order of the model's own classes."""
    by_class = {format_class(name): score for name, score in scores.items()}
    if by_class.keys() != set(classes):
        raise InvalidOutput(
            f"Expected scores of the classes {', '.join(classes)[:200]}. Received: {', '.join(by_class)[:200]}. If these "
            "are the model's own classes, set classes in [output]: the own class for each label, in the same order."
        )
    return [by_class[name] for name in classes]


def _find_class(part: Any, classes: Sequence[str]) -> int:
    """Return the index of the class that the model decided on."""
    selected = np.asarray(part)
    if selected.size != 1:
        raise InvalidOutput(f"Expected one label. Received: {selected.size} values")
    name = format_class(selected)
    if name in classes:
        return list(classes).index(name)
    # Some libraries return whole numbers as floats: 3.0 is the class 3.
    short_name = name.removesuffix(".0")
    if short_name not in classes:
        raise InvalidOutput(
            f"Expected one of the classes {', '.join(classes)[:200]}. Received: {name[:100]!r}. If this is one of the "
            "model's own classes, set classes in [output]: the own class for each label, in the same order."
        )
    return list(classes).index(short_name)


def format_class(value: Any) -> str:
    """Return the name of a class: `3` for the integer 3, `True` for true, and texts unchanged."""
    item = value.item() if isinstance(value, np.generic | np.ndarray) and value.size == 1 else value
    return item.decode("utf-8", "replace") if isinstance(item, bytes) else str(item)


def _apply_activation(numbers: Numbers, activation: str) -> Numbers:
    if activation == "softmax":
        powers = np.exp(numbers - numbers.max())
        shares: Numbers = powers / powers.sum()
        return shares
    if activation == "sigmoid":
        powers = np.exp(-np.abs(numbers))  # of negative numbers only, so that no number overflows
        sigmoids: Numbers = np.where(numbers >= 0, 1.0, powers) / (1 + powers)
        return sigmoids
    return numbers


def _to_class_scores(numbers: Numbers, output: ClassesOutput, count: int) -> Numbers:
    """Return one score from 0 to 1 per label."""
    numbers = _apply_activation(_check_finite(numbers), output.activation)
    is_binary = numbers.shape == (1,) and count == 2
    if is_binary:
        numbers = np.array([1 - numbers[0], numbers[0]])
    if numbers.shape != (count,):
        raise InvalidOutput(f"Expected {count} numbers, one for each label. Received: {numbers.size}")
    is_in_range = numbers.min() >= -SUM_TOLERANCE and numbers.max() <= 1 + SUM_TOLERANCE
    if output.independent or is_binary:
        if not is_in_range:
            number = f"{numbers[-1]:.4g}" if is_binary else f"{numbers.min():.4g} to {numbers.max():.4g}"
            raise InvalidOutput(
                "Expected scores from 0 to 1. If the model returns logits, set the activation in model.toml: "
                f'[output] activation = "sigmoid". Received: {number}'
            )
    elif numbers.min() < -SUM_TOLERANCE or abs(numbers.sum() - 1) > SUM_TOLERANCE:
        raise InvalidOutput(
            "Expected probabilities that add up to 1. If the model returns logits, set the activation in model.toml: "
            f'[output] activation = "softmax". Received: a sum of {numbers.sum():.4g}'
        )
    clipped: Numbers = np.clip(numbers, 0.0, 1.0)
    return clipped


def _is_storable_text(item: Any) -> bool:
    """Return whether every database and JSON can store the string: no NUL, no unpaired surrogates."""
    if not isinstance(item, str) or len(item) > MAX_RAW_TEXT_LENGTH or "\0" in item:
        return False
    return item.encode("utf-8", "ignore").decode() == item


def _to_json(part: Any) -> Any:
    """Return an output as JSON: nested lists of numbers, strings, and booleans, or an object of them."""
    part = _unwrap_object(part)
    if isinstance(part, Mapping):
        return _to_json_object(part)
    array = np.asarray(part)
    if array.size > MAX_RAW_VALUES:
        raise InvalidOutput(
            f"Expected at most {MAX_RAW_VALUES:,} output values. Received: {array.size:,}. Reduce them in the model, such "
            "as to the best detections, or to a smaller map."
        )
    if array.dtype.kind == "f":
        return _check_finite(array.astype(np.float64)).tolist()
    if array.dtype.kind in "iub":
        return array.tolist()
    texts = [item.decode("utf-8", "replace") if isinstance(item, bytes) else item for item in array.ravel()]
    if not all(_is_storable_text(item) for item in texts):
        raise InvalidOutput(f"Expected numbers or strings from the model. Received: {part!r:.100}")
    return np.array(texts, np.object_).reshape(array.shape).tolist()


def _to_json_object(parts: Mapping[Any, Any]) -> dict[str, Any]:
    names = [str(name) for name in parts]
    if not all(_is_storable_text(name) for name in names):
        raise InvalidOutput(f"Expected printable output names. Received: {names!r:.100}")
    return {name: _to_json(part) for name, part in zip(names, parts.values(), strict=True)}
