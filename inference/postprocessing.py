"""From one row of what a model gave to an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from inference.errors import InvalidOutput
from inference.signature import ClassesOutput, LabelOutput, RawOutput, ValueOutput
from inference.types import Answer

Numbers = npt.NDArray[np.float64]

SUM_TOLERANCE = 1e-2  # of probabilities; float16 networks round this coarsely
DECIMALS = 7  # of a stored score; float32 holds no more
MAX_RAW = 65_536  # values of one kept raw output
MAX_RAW_TEXT = 10_000  # characters of one text of it


def to_answer(row: Any, output: Any, labels: Sequence[str]) -> Answer:
    """Turn one row of output into an answer, as the signature's output says.

    Args:
        row: an array without the batch dimension, or several by name.

    Raises:
        InvalidOutput: when it does not fit the signature and labels, or a number is not finite.
    """
    return ANSWERS[output.kind](row, output, labels)


def _classes(row: Any, output: ClassesOutput, labels: Sequence[str]) -> Answer:
    """Scores by label. A row is `(len(labels),)`, `(1,)` for two labels, or a mapping of class to score (ONNX's ZipMap)."""
    found = _pick(row, output.name)
    if isinstance(found, Mapping):
        found = _in_order(found, labels)
    scores = _probabilities(_numbers(found).ravel(), output.activation, len(labels))
    top = int(np.argmax(scores))
    rounded = [round(float(score), DECIMALS) for score in scores]
    return Answer(
        output={"scores": dict(zip(labels, rounded, strict=True))}, label=labels[top], confidence=min(rounded[top], 1.0)
    )


def _label(row: Any, output: LabelOutput, labels: Sequence[str]) -> Answer:
    found = np.asarray(_pick(row, output.name))
    if found.size != 1:
        raise InvalidOutput(f"Expected one label. Received: {found.size} values")
    said = str(found.item())
    classes = output.classes or tuple(labels)
    if said not in classes:
        raise InvalidOutput(f"Expected one of the classes {', '.join(classes)[:200]}. Received: {said[:100]!r}")
    label = labels[classes.index(said)]
    return Answer(output={"label": label}, label=label)


def _value(row: Any, output: ValueOutput, labels: Sequence[str]) -> Answer:
    found = _numbers(_pick(row, output.name)).ravel()
    if found.size != 1:
        raise InvalidOutput(f"Expected one number, the value. Received: {found.size}")
    value = _finite(found)[0].item()
    return Answer(output={"value": value}, value=value)


def _raw(row: Any, output: RawOutput, labels: Sequence[str]) -> Answer:
    found = _pick(row, output.name) if output.name or not isinstance(row, Mapping) else row
    if isinstance(found, Mapping):
        return Answer(output={"raw": _named(found)})
    return Answer(output={"raw": _plain(found)})


ANSWERS: dict[str, Callable[[Any, Any, Sequence[str]], Answer]] = {
    ClassesOutput.kind: _classes,
    LabelOutput.kind: _label,
    ValueOutput.kind: _value,
    RawOutput.kind: _raw,
}


def _pick(row: Any, name: str) -> Any:
    """Return the output of that name; without a name the only one."""
    if not isinstance(row, Mapping):
        if name:
            raise InvalidOutput(f"Expected an output named {name!r}. The model has one, without a name.")
        return row
    if name in row:
        return _unwrapped(row[name])
    raise InvalidOutput(f"Expected [output] name to be one of {', '.join(row)}. Received: {name!r}")


def _unwrapped(part: Any) -> Any:
    """Return the object that a NumPy array of no dimensions holds, or the array."""
    return part.item() if isinstance(part, np.ndarray) and part.shape == () and part.dtype.kind == "O" else part


def _numbers(part: Any) -> Numbers:
    try:
        return np.asarray(part, np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidOutput(f"Expected numbers from the model. Received: {part!r:.100}") from error


def _finite(row: Numbers) -> Numbers:
    if not np.isfinite(row).all():
        raise InvalidOutput("The model answered with numbers that are not finite (NaN or infinity).")
    return row


def _in_order(scores: Mapping[Any, Any], labels: Sequence[str]) -> list[Any]:
    """Return scores by class in the order of the labels: by the classes' own names, or by their numbers 0, 1, 2…"""
    named = {str(name): score for name, score in scores.items()}
    if named.keys() == set(labels):
        return [named[label] for label in labels]
    if named.keys() == {str(number) for number in range(len(labels))}:
        return [named[str(number)] for number in range(len(labels))]
    raise InvalidOutput(f"Expected scores of {', '.join(labels)[:200]}. Received: {', '.join(named)[:200]}")


def _probabilities(row: Numbers, activation: str, count: int) -> Numbers:
    row = _finite(row)
    if activation == "softmax":
        powers = np.exp(row - row.max())
        row = powers / powers.sum()
    elif activation == "sigmoid":
        row = 1 / (1 + np.exp(-row))
    if row.shape == (1,) and count == 2:
        row = np.array([1 - row[0], row[0]])
    if row.shape != (count,):
        raise InvalidOutput(f"Expected {count} numbers, one for each label. Received: {row.size}")
    if row.min() < -SUM_TOLERANCE or abs(row.sum() - 1) > SUM_TOLERANCE:
        raise InvalidOutput(
            "Expected probabilities that add up to 1; if the model ends in logits, say so in model.toml: "
            f'[output] activation = "softmax". Received: a sum of {row.sum():.4g}'
        )
    clipped: Numbers = np.clip(row, 0.0, 1.0)
    return clipped


def _is_text(item: Any) -> bool:
    """Return whether every database and JSON can hold it: no NUL, no half of a surrogate pair."""
    if not isinstance(item, str) or len(item) > MAX_RAW_TEXT or "\0" in item:
        return False
    return item.encode("utf-8", "ignore").decode() == item


def _named(parts: Mapping[Any, Any]) -> dict[str, Any]:
    names = [str(name) for name in parts]
    if not all(_is_text(name) for name in names):
        raise InvalidOutput(f"Expected readable names of outputs. Received: {names!r:.100}")
    return {name: _plain(part) for name, part in zip(names, parts.values(), strict=True)}


def _plain(part: Any) -> Any:
    """Return an array as JSON: nested lists of numbers, texts and truth values."""
    part = _unwrapped(part)
    if isinstance(part, Mapping):
        return _named(part)
    array = np.asarray(part)
    if array.size > MAX_RAW:
        raise InvalidOutput(f"Expected at most {MAX_RAW:,} values to keep. Received: {array.size:,}")
    if array.dtype.kind == "f":
        return _finite(array.astype(np.float64)).tolist()
    if array.dtype.kind in "iub":
        return array.tolist()
    texts = [item.decode("utf-8", "replace") if isinstance(item, bytes) else item for item in array.ravel()]
    if not all(_is_text(item) for item in texts):
        raise InvalidOutput(f"Expected numbers or texts from the model. Received: {part!r:.100}")
    return np.array(texts, np.object_).reshape(array.shape).tolist()
