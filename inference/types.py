"""The nouns of inference: what a model takes, what it gives, and where its artifact lies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from math import isfinite
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from inference.errors import InvalidSignature

Array = npt.NDArray[np.float32]
Run = Callable[[Array], Array]
"""Runs one batch: (n, *input shape) -> (n, *output shape)."""

SCALES = ("unit", "symmetric", "standard", "none")
RESIZES = ("stretch", "crop")
ACTIVATIONS = ("none", "softmax", "sigmoid")


class _Part:
    """A half of a signature that can be written to JSON and read back."""

    kind: ClassVar[str]
    section: ClassVar[str]

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Build from JSON or TOML.

        Raises:
            InvalidSignature: on an unknown or missing key, or a value that is not allowed.
        """
        known = {field.name for field in fields(cls)}  # type: ignore[arg-type]
        values = {key: tuple(value) if isinstance(value, list) else value for key, value in data.items() if key != "kind"}
        place = f"[{cls.section}] of the signature (kind = {cls.kind!r})"
        if unknown := sorted(values.keys() - known):
            raise InvalidSignature(f"Expected only {', '.join(sorted(known))} in {place}. Received: {unknown}")
        required = {field.name for field in fields(cls) if field.default is MISSING}  # type: ignore[arg-type]
        if missing := sorted(required - values.keys()):
            raise InvalidSignature(f"Expected {' and '.join(missing)} in {place}: the model leaves them open.")
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON; what is empty is left out."""
        values = asdict(self).items()  # type: ignore[call-overload]
        return {"kind": self.kind, **{key: list(v) if isinstance(v, tuple) else v for key, v in values if v != ()}}


@dataclass(frozen=True, slots=True)
class ImageInput(_Part):
    """An image of `height` x `width` pixels with 1 (grey) or 3 (RGB) channels, channels last.

    Args:
        scale: what happens to the 8-bit values x: `unit` x / 255, `symmetric` x / 127.5 - 1, `standard`
            (x / 255 - mean) / std per channel, `none` x.
        mean, std: one number per channel, for `standard` only.
        resize: `stretch` to the size, or `crop` the centre of the same aspect ratio first.
    """

    kind: ClassVar[str] = "image"
    section: ClassVar[str] = "input"
    height: int
    width: int
    channels: int = 3
    scale: str = "unit"
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    resize: str = "stretch"

    def __post_init__(self) -> None:
        if not all(isinstance(side, int) and 1 <= side <= 4096 for side in (self.height, self.width)):
            raise InvalidSignature(f"Expected height and width of 1 to 4096 pixels. Received: {self.height} x {self.width}")
        if self.channels not in (1, 3):
            raise InvalidSignature(f"Expected 1 (grey) or 3 (RGB) channels. Received: {self.channels}")
        _check_choice("scale", self.scale, SCALES)
        _check_choice("resize", self.resize, RESIZES)
        if not all(isinstance(number, int | float) and isfinite(number) for number in (*self.mean, *self.std)):
            raise InvalidSignature(f"Expected numbers in mean and std. Received: mean={self.mean}, std={self.std}")
        wanted = self.channels if self.scale == "standard" else 0
        if len(self.mean) != wanted or len(self.std) != wanted or 0 in self.std:
            raise InvalidSignature(
                f"Expected {wanted} numbers in mean and in std (none of them 0) for scale {self.scale!r}. "
                f"Received: mean={list(self.mean)}, std={list(self.std)}"
            )

    @property
    def shape(self) -> tuple[int, int, int]:
        return (self.height, self.width, self.channels)


@dataclass(frozen=True, slots=True)
class ClassesOutput(_Part):
    """One score per label. `activation` is what is still to be applied to the model's numbers.

    A model with one sigmoid output and two labels is a binary classifier: the number is the second label's score.
    """

    kind: ClassVar[str] = "classes"
    section: ClassVar[str] = "output"
    activation: str = "none"

    def __post_init__(self) -> None:
        _check_choice("activation", self.activation, ACTIVATIONS)


@dataclass(frozen=True, slots=True)
class Signature:
    """What goes in and what comes out."""

    input: ImageInput
    output: ClassesOutput = field(default_factory=ClassesOutput)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Signature:
        return cls(_part(data.get("input", {}), INPUTS), _part(data.get("output", {"kind": "classes"}), OUTPUTS))

    def to_dict(self) -> dict[str, Any]:
        return {"input": self.input.to_dict(), "output": self.output.to_dict()}


INPUTS: dict[str, type[Any]] = {ImageInput.kind: ImageInput}
OUTPUTS: dict[str, type[Any]] = {ClassesOutput.kind: ClassesOutput}


def _part(data: Mapping[str, Any], kinds: Mapping[str, type[Any]]) -> Any:
    _check_choice("kind", data.get("kind"), tuple(kinds))
    return kinds[data["kind"]].from_dict(data)


def _check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise InvalidSignature(f"Expected {name} to be one of {', '.join(choices)}. Received: {value!r}")


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """All that is needed to load one model version. `path` is absolute; `sha256` is checked before it is parsed."""

    name: str
    number: int
    runtime: str
    path: Path
    sha256: str
    signature: Signature
    labels: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.name}:{self.number}"


@dataclass(frozen=True, slots=True)
class ArtifactFacts:
    """What an artifact says about itself; None where it does not say.

    Args:
        input_shape: without the batch dimension, None for a free size: `(28, 28, 1)`.
        output_width: numbers per row of output.
        framework, framework_version: what wrote the file: `keras`, `3.15.1`.
    """

    input_shape: tuple[int | None, ...] | None = None
    output_width: int | None = None
    framework: str = ""
    framework_version: str = ""


@dataclass(slots=True)
class Timings:
    """Milliseconds by a monotonic clock, filled in step by step so that they survive a failure."""

    preprocess_ms: float | None = None
    queue_ms: float | None = None
    inference_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: `output` describes itself (`{"scores": {...}}`); label and confidence are its top class."""

    output: dict[str, Any]
    label: str = ""
    confidence: float | None = None
    value: float | None = None
