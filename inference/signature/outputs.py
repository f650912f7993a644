"""What comes out of a model, and how it is to be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from inference.signature.part import Part, check_choice, check_texts

ACTIVATIONS = ("none", "softmax", "sigmoid")


@dataclass(frozen=True, slots=True)
class ClassesOutput(Part):
    """One score per label. `activation` is what is still to be applied to the model's numbers.

    A model with one sigmoid output and two labels is a binary classifier: the number is the second label's score.

    Args:
        name: which output it is, where the model has several.
    """

    kind: ClassVar[str] = "classes"
    section: ClassVar[str] = "output"
    activation: str = "none"
    name: str = ""

    def __post_init__(self) -> None:
        check_choice("activation", self.activation, ACTIVATIONS)
        check_texts(self, self.name)


@dataclass(frozen=True, slots=True)
class LabelOutput(Part):
    """One label and no scores, from a model that says only what it thinks is right.

    Args:
        name: which output it is, where the model has several.
        classes: what the model itself calls its classes, in the order of the labels; empty: it says the labels.
    """

    kind: ClassVar[str] = "label"
    section: ClassVar[str] = "output"
    name: str = ""
    classes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_texts(self, self.name, *self.classes)


@dataclass(frozen=True, slots=True)
class ValueOutput(Part):
    """One number, the value of a regression, in `unit`.

    Args:
        name: which output it is, where the model has several.
    """

    kind: ClassVar[str] = "value"
    section: ClassVar[str] = "output"
    unit: str = ""
    name: str = ""

    def __post_init__(self) -> None:
        check_texts(self, self.unit, self.name)


@dataclass(frozen=True, slots=True)
class RawOutput(Part):
    """Whatever the model answers, kept as JSON without a meaning of ours.

    Args:
        name: the one output to keep; empty: all of them, by name.
    """

    kind: ClassVar[str] = "raw"
    section: ClassVar[str] = "output"
    name: str = ""

    def __post_init__(self) -> None:
        check_texts(self, self.name)
