"""The kinds of model output and how to interpret them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from inference.errors import InvalidSignature
from inference.signature.base import SignaturePart, check_choice, check_strings

ACTIVATIONS = ("none", "softmax", "sigmoid")
DEFAULT_THRESHOLD = 0.5


def check_threshold(threshold: object) -> None:
    if isinstance(threshold, bool) or not isinstance(threshold, int | float) or not 0 < threshold < 1:
        raise InvalidSignature(f"Expected a threshold between 0 and 1 in [output]. Received: {threshold!r:.100}")


class OutputPart(SignaturePart):
    section: ClassVar[str] = "output"
    has_labels: ClassVar[bool] = False
    """Whether a prediction has a label."""
    has_scores: ClassVar[bool] = False
    """Whether a prediction has a score for each label, and therefore a confidence."""


@dataclass(frozen=True, slots=True)
class ClassesOutput(OutputPart):
    """One score per label. The predicted label has the highest score, unless the model decides otherwise.

    A model with a single output and two labels is a binary classifier: the number is the second label's score.

    Args:
        activation: the activation to apply to the output of the model.
        name: the name of the output with the scores, if the model has several.
        label_name: the name of the output with the label that the model itself decides on; empty if it has none.
        classes: the model's own class names, in the order of the labels; empty if they are the labels.
        threshold: the second of two labels is predicted if its score is at least this; None: if its score is the highest.
        independent: the scores need not add up to 1. The label has the highest score nevertheless.
    """

    kind: ClassVar[str] = "classes"
    has_labels: ClassVar[bool] = True
    has_scores: ClassVar[bool] = True
    unit: ClassVar[str] = ""
    activation: str = "none"
    name: str = ""
    label_name: str = ""
    classes: tuple[str, ...] = ()
    threshold: float | None = None
    independent: bool = False

    def __post_init__(self) -> None:
        check_choice("activation", self.activation, ACTIVATIONS)
        if not isinstance(self.independent, bool):
            raise InvalidSignature(f"Expected true or false in independent of [output]. Received: {self.independent!r:.100}")
        check_strings(self, self.name, self.label_name, *self.classes)
        if self.threshold is not None:
            check_threshold(self.threshold)

    def to_dict(self) -> dict[str, Any]:
        data = SignaturePart.to_dict(self)
        return data if self.independent else {key: value for key, value in data.items() if key != "independent"}


@dataclass(frozen=True, slots=True)
class LabelsOutput(OutputPart):
    """Any number of labels: each is predicted if its score is at least its threshold. Scores need not add up to 1.

    Args:
        activation: the activation to apply to the output of the model: `none` or `sigmoid`.
        name: the name of the output with the scores, if the model has several.
        label_name: the name of the output with the model's own decision, one number 0 or 1 per label; empty if it has
            none.
        thresholds: one per label, or one for all.
    """

    kind: ClassVar[str] = "labels"
    has_labels: ClassVar[bool] = True
    has_scores: ClassVar[bool] = True
    unit: ClassVar[str] = ""
    activation: str = "none"
    name: str = ""
    label_name: str = ""
    thresholds: tuple[float, ...] = (DEFAULT_THRESHOLD,)

    def __post_init__(self) -> None:
        check_choice("activation", self.activation, ("none", "sigmoid"))
        check_strings(self, self.name, self.label_name)
        if isinstance(self.thresholds, int | float):  # one for all labels
            object.__setattr__(self, "thresholds", (self.thresholds,))
        if not self.thresholds:
            raise InvalidSignature("Expected at least one number in thresholds of [output].")
        for threshold in self.thresholds:
            check_threshold(threshold)

    def get_thresholds(self, labels: Sequence[str]) -> dict[str, float]:
        """Return the threshold of each label."""
        thresholds = self.thresholds * len(labels) if len(self.thresholds) == 1 else self.thresholds
        return dict(zip(labels, thresholds, strict=True))


@dataclass(frozen=True, slots=True)
class LabelOutput(OutputPart):
    """One label without scores.

    Args:
        name: the name of the output to use, if the model has several.
        classes: the model's own class names, in the order of the labels; empty if they are the labels.
    """

    kind: ClassVar[str] = "label"
    has_labels: ClassVar[bool] = True
    unit: ClassVar[str] = ""
    name: str = ""
    classes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_strings(self, self.name, *self.classes)


@dataclass(frozen=True, slots=True)
class ValueOutput(OutputPart):
    """One number, the value of a regression.

    Args:
        unit: the unit of the value, such as `cm`.
        name: the name of the output to use, if the model has several.
    """

    kind: ClassVar[str] = "value"
    unit: str = ""
    name: str = ""

    def __post_init__(self) -> None:
        check_strings(self, self.unit, self.name)


@dataclass(frozen=True, slots=True)
class RawOutput(OutputPart):
    """Any output, stored as JSON without interpretation.

    Args:
        name: the name of the output to store; empty to store all outputs by name.
    """

    kind: ClassVar[str] = "raw"
    unit: ClassVar[str] = ""
    name: str = ""

    def __post_init__(self) -> None:
        check_strings(self, self.name)
