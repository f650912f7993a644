"""From a row of numbers to an answer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from inference.errors import InvalidOutput
from inference.types import Answer, Array, ClassesOutput

Numbers = npt.NDArray[np.float64]

SUM_TOLERANCE = 1e-2  # of probabilities; float16 networks round this coarsely
DECIMALS = 7  # of a stored score; float32 holds no more


def to_answer(row: Array, output: ClassesOutput, labels: Sequence[str]) -> Answer:
    """Turn one row of output into scores by label.

    Args:
        row: `(len(labels),)`, or `(1,)` for a binary classifier of two labels.

    Raises:
        InvalidOutput: when the width is not that of the labels, a number is not finite, or the scores are no probabilities.
    """
    scores = _probabilities(np.asarray(row, np.float64).ravel(), output.activation, len(labels))
    top = int(np.argmax(scores))
    rounded = [round(float(score), DECIMALS) for score in scores]
    return Answer(
        output={"scores": dict(zip(labels, rounded, strict=True))}, label=labels[top], confidence=min(rounded[top], 1.0)
    )


def _probabilities(row: Numbers, activation: str, count: int) -> Numbers:
    if not np.isfinite(row).all():
        raise InvalidOutput("The model answered with numbers that are not finite (NaN or infinity).")
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
            "Expected probabilities that add up to 1; give the signature's output an activation (softmax) "
            f"if the model ends in logits. Received: a sum of {row.sum():.4g}"
        )
    clipped: Numbers = np.clip(row, 0.0, 1.0)
    return clipped
