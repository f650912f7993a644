"""The kinds of model output and how to interpret them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from inference.signature.base import SignaturePart, check_choice, check_strings

ACTIVATIONS = ("none", "softmax", "sigmoid")


class OutputPart(SignaturePart):
    section: ClassVar[str] = "output"
    has_labels: ClassVar[bool] = False
    """Whether a prediction has a label."""
    has_scores: ClassVar[bool] = False
    """Whether a prediction has a score for each label, and therefore a confidence."""


@dataclass(frozen=True, slots=True)
class ClassesOutput(OutputPart):
    """One score per label.

    A model with a single sigmoid output and two labels is a binary classifier: the number is the second label's score.

    Args:
        activation: the activation to apply to the output of the model.
        name: the name of the output to use, if the model has several.
    """

    kind: ClassVar[str] = "classes"
    has_labels: ClassVar[bool] = True
    has_scores: ClassVar[bool] = True
    unit: ClassVar[str] = ""
    activation: str = "none"
    name: str = ""

    def __post_init__(self) -> None:
        check_choice("activation", self.activation, ACTIVATIONS)
        check_strings(self, self.name)


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
