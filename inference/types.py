"""The nouns of inference: a batch, what runs it, what an artifact says of itself, where it lies, what came out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from inference.signature import Feature, Signature

Array = npt.NDArray[np.float32]
AnyArray = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Table:
    """A batch of rows of features, by column.

    Args:
        features: in the model's order.
        columns: by feature name, each `(n,)`: float64, int64 or bool; texts and categories as objects. A number that is
            missing is NaN, which makes a column of whole numbers one of floats; a text that is missing is None.
    """

    features: tuple[Feature, ...]
    columns: Mapping[str, AnyArray]

    @classmethod
    def of(cls, features: tuple[Feature, ...], rows: Sequence[Mapping[str, Any]]) -> Table:
        """Build from validated rows, each with every feature."""
        return cls(features, {one.name: _column(one, [row[one.name] for row in rows]) for one in features})

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))


def _column(feature: Feature, values: list[Any]) -> AnyArray:
    dtype = {"float": np.float64, "integer": np.int64, "boolean": np.bool_}.get(feature.type, np.object_)
    if dtype is not np.object_ and None in values:
        dtype = np.float64
    return np.array(values, dtype)


Batch = Array | Table
"""Images as `(n, height, width, channels)` float32 (or channels first), or a table of n rows."""
Output = AnyArray | Mapping[str, AnyArray]
"""What a model answers: one array `(n, ...)`, or several by name."""
Run = Callable[[Any], Output]
"""Runs one batch."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """One named input or output of an artifact.

    Args:
        dtype: as NumPy names it, `float32`; `str` for texts, empty when anything is taken.
        shape: without the batch dimension, None for a free size.
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """All that is needed to load one model version.

    Args:
        path: absolute, a file or a folder.
        sha256: of the artifact, checked before its first byte is parsed.
        trusted: the operator lets it run code of its author.
        size: bytes on the disk.
    """

    name: str
    number: int
    runtime: str
    path: Path
    sha256: str
    signature: Signature = field(compare=False)
    labels: tuple[str, ...] = field(compare=False)
    trusted: bool = False
    size: int = 0

    def __str__(self) -> str:
        return f"{self.name}:{self.number}" if self.number else self.name


@dataclass(frozen=True, slots=True)
class ArtifactFacts:
    """What an artifact says about itself; empty where it does not say.

    Args:
        inputs, outputs: tensors, in the order that the runtime takes and gives them.
        features: of a table, named and in order; what is known of each as in `model.toml`.
        labels: the model's own names of its classes, in order.
        output: what it gives, as in `model.toml`: `{"kind": "value"}`.
        framework, framework_version: what wrote the file: `keras`, `3.15.1`.
    """

    inputs: tuple[Tensor, ...] = ()
    outputs: tuple[Tensor, ...] = ()
    features: tuple[Mapping[str, Any], ...] = ()
    labels: tuple[str, ...] = ()
    output: Mapping[str, Any] = field(default_factory=dict)
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
