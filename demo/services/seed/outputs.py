"""What a made-up model says of a made-up truth: somewhat too sure of itself, and slowly getting worse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from inference.errors import InvalidInput
from inference.postprocessing import SCORE_DECIMALS
from inference.signature import ClassesOutput, LabelOutput, ValueOutput
from registry.models import ModelVersion

Numbers = npt.NDArray[np.float64]

CLEAREST, FAINTEST = 6.0, 2.0  # how far the true class stands out, in standard deviations of the noise
OVERCONFIDENCE = 1.3  # how much further the model believes it does
FADING = 0.25  # share of it that is gone at the end of the days
RIGHT = 0.95  # share of right labels of a model that gives no scores, at the beginning
USUAL = 100.0  # value around which the truth lies when the version brought no example
SPREAD = 0.3  # of true values, as a share of the usual one
NOISE = 0.15  # standard deviation of the answers around the truth, as a share of that spread; twice that at the end
BIAS = 0.1  # how much too high the answers are at the end, as a share of that spread


@dataclass(frozen=True, slots=True)
class Made:
    """One made-up answer.

    Args:
        columns: of the prediction, as the model fills them.
        truth: the label or the value that is right.
    """

    columns: dict[str, Any]
    truth: Any


def draw_answers(version: ModelVersion, ages: Numbers, rng: np.random.Generator) -> list[Made]:
    """Return one answer for each age: 0 at the beginning of the days, 1 at their end."""
    return DRAWS[version.parsed_signature.output.kind](version, ages, rng)


def check_answers(version: ModelVersion) -> None:
    """Raise InvalidInput for a model whose answers have no meaning that could be made up."""
    kind = version.parsed_signature.output.kind
    if kind not in DRAWS:
        raise InvalidInput(f"Expected a model that answers {', '.join(DRAWS)}. Received: {version}, which answers {kind}.")


def _classes(version: ModelVersion, ages: Numbers, rng: np.random.Generator) -> list[Made]:
    labels: list[str] = version.labels
    scores, truths = _scores(len(labels), ages, rng)
    tops = scores.argmax(axis=1).tolist()
    ranked = np.sort(scores, axis=1)
    margins = (ranked[:, -1] - ranked[:, -2]).tolist() if len(labels) > 1 else [None] * len(ages)
    return [
        Made(
            {
                "output": {"scores": dict(zip(labels, row, strict=True))},
                "label": labels[top],
                "confidence": row[top],
                "margin": margin,
            },
            labels[truth],
        )
        for row, top, margin, truth in zip(scores.tolist(), tops, margins, truths, strict=True)
    ]


def _scores(classes: int, ages: Numbers, rng: np.random.Generator) -> tuple[Numbers, list[int]]:
    """Return scores by class, rounded like a real answer's, and the number of the true class of each row.

    Each class gives a signal with noise of variance 1, the true one's higher by its strength. The softmax of signals times
    strength would be the posterior (Bayes' rule for normal noise): as often right as it says. Ours exaggerates, and
    does not know that the strength fades.
    """
    truths = rng.integers(0, classes, len(ages))
    strength = rng.uniform(FAINTEST, CLEAREST, len(ages))
    signals = rng.standard_normal((len(ages), classes))
    signals[np.arange(len(ages)), truths] += strength * (1 - FADING * ages)
    powers = OVERCONFIDENCE * strength[:, None] * signals
    powers = np.exp(powers - powers.max(axis=1, keepdims=True))
    return np.round(powers / powers.sum(axis=1, keepdims=True), SCORE_DECIMALS), truths.tolist()


def _label(version: ModelVersion, ages: Numbers, rng: np.random.Generator) -> list[Made]:
    labels: list[str] = version.labels
    truths = rng.integers(0, len(labels), len(ages))
    wrong = rng.random(len(ages)) > RIGHT - FADING * ages
    others = rng.integers(0, len(labels), len(ages))
    said = np.where(wrong, others, truths).tolist()
    return [
        Made({"output": {"label": labels[one]}, "label": labels[one]}, labels[truth])
        for one, truth in zip(said, truths.tolist(), strict=True)
    ]


def _value(version: ModelVersion, ages: Numbers, rng: np.random.Generator) -> list[Made]:
    usual = next((one["value"] for one in version.examples if one.get("value") is not None), USUAL)
    spread = SPREAD * abs(usual) or 1.0
    truths = usual + spread * rng.standard_normal(len(ages))
    values = truths + spread * (NOISE * (1 + ages) * rng.standard_normal(len(ages)) + BIAS * ages)
    return [
        Made({"output": {"value": value}, "value": value}, truth)
        for value, truth in zip(values.tolist(), truths.tolist(), strict=True)
    ]


DRAWS: dict[str, Callable[[ModelVersion, Numbers, np.random.Generator], list[Made]]] = {
    ClassesOutput.kind: _classes,
    LabelOutput.kind: _label,
    ValueOutput.kind: _value,
}
