"""Generate outputs and their ground truth. The simulated models are overconfident and get worse over time."""

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

# Scores. "Signal" is the distance of the true class from the noise, in standard deviations of the noise.
MIN_SIGNAL, MAX_SIGNAL = 2.0, 6.0
OVERCONFIDENCE_FACTOR = 1.3  # by which the model overestimates the signal
DECAY_SHARE = 0.25  # share of the signal, or of the accuracy, that is lost by the end of the period
INITIAL_ACCURACY = 0.95  # of a model without scores
# Values.
DEFAULT_MEAN = 100.0  # of true values, for a version without examples
RELATIVE_SPREAD = 0.3  # standard deviation of true values, as a share of their mean
RELATIVE_NOISE = 0.15  # standard deviation of errors, as a share of that of true values; twice as much at the end
FINAL_BIAS = 0.1  # mean error at the end of the period, as a share of the standard deviation of true values


@dataclass(frozen=True, slots=True)
class GeneratedOutput:
    """The output of a prediction, and its ground truth.

    Args:
        columns: columns of the prediction.
        ground_truth: the true label or the true value.
    """

    columns: dict[str, Any]
    ground_truth: Any


def draw_outputs(version: ModelVersion, ages: Numbers, rng: np.random.Generator) -> list[GeneratedOutput]:
    """Return an output per age: 0 at the start of the period, 1 at its end."""
    return OUTPUT_GENERATORS[version.parsed_signature.output.kind](version, ages, rng)


def check_output_kind(version: ModelVersion) -> None:
    """Raise InvalidInput for a version whose outputs cannot be generated."""
    kind = version.parsed_signature.output.kind
    if kind not in OUTPUT_GENERATORS:
        kinds = ", ".join(OUTPUT_GENERATORS)
        raise InvalidInput(f"Expected a model with outputs of the kind {kinds}. Received: {version} with the kind {kind}.")


def _draw_classes(version: ModelVersion, ages: Numbers, rng: np.random.Generator) -> list[GeneratedOutput]:
    labels: list[str] = version.labels
    scores, true_classes = _draw_scores(len(labels), ages, rng)
    ranked = np.sort(scores, axis=1)
    margins = (ranked[:, -1] - ranked[:, -2]).tolist() if len(labels) > 1 else [None] * len(ages)
    rows = zip(scores.tolist(), scores.argmax(axis=1).tolist(), margins, true_classes, strict=True)
    return [
        GeneratedOutput(
            {
                "output": {"scores": dict(zip(labels, row, strict=True))},
                "label": labels[top],
                "confidence": row[top],
                "margin": margin,
            },
            labels[true_class],
        )
        for row, top, margin, true_class in rows
    ]


def _draw_scores(class_count: int, ages: Numbers, rng: np.random.Generator) -> tuple[Numbers, list[int]]:
    """Return rounded scores per row and class, and the true class of each row.

    Each class has a signal with normal noise of variance 1. By Bayes' rule, the softmax of signal times strength is a
    calibrated posterior. This model overestimates the strength and ignores its decay, so it is overconfident.
    """
    true_classes = rng.integers(0, class_count, len(ages))
    strength = rng.uniform(MIN_SIGNAL, MAX_SIGNAL, len(ages))
    signals = rng.standard_normal((len(ages), class_count))
    signals[np.arange(len(ages)), true_classes] += strength * (1 - DECAY_SHARE * ages)
    logits = OVERCONFIDENCE_FACTOR * strength[:, None] * signals
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.round(weights / weights.sum(axis=1, keepdims=True), SCORE_DECIMALS), true_classes.tolist()


def _draw_labels(version: ModelVersion, ages: Numbers, rng: np.random.Generator) -> list[GeneratedOutput]:
    labels: list[str] = version.labels
    true_classes = rng.integers(0, len(labels), len(ages))
    is_wrong = rng.random(len(ages)) > INITIAL_ACCURACY - DECAY_SHARE * ages
    other_classes = rng.integers(0, len(labels), len(ages))
    predicted_classes = np.where(is_wrong, other_classes, true_classes).tolist()
    return [
        GeneratedOutput({"output": {"label": labels[predicted]}, "label": labels[predicted]}, labels[true_class])
        for predicted, true_class in zip(predicted_classes, true_classes.tolist(), strict=True)
    ]


def _draw_values(version: ModelVersion, ages: Numbers, rng: np.random.Generator) -> list[GeneratedOutput]:
    examples = (example["value"] for example in version.examples if example.get("value") is not None)
    mean = next(examples, DEFAULT_MEAN)
    spread = RELATIVE_SPREAD * abs(mean) or 1.0
    true_values = mean + spread * rng.standard_normal(len(ages))
    errors = RELATIVE_NOISE * (1 + ages) * rng.standard_normal(len(ages)) + FINAL_BIAS * ages
    values = true_values + spread * errors
    return [
        GeneratedOutput({"output": {"value": value}, "value": value}, true_value)
        for value, true_value in zip(values.tolist(), true_values.tolist(), strict=True)
    ]


OUTPUT_GENERATORS: dict[str, Callable[[ModelVersion, Numbers, np.random.Generator], list[GeneratedOutput]]] = {
    ClassesOutput.kind: _draw_classes,
    LabelOutput.kind: _draw_labels,
    ValueOutput.kind: _draw_values,
}
