"""Data types: batches, tensors, model specifications, artifact metadata, and prediction results."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from inference.signature import Feature, Signature

Array = npt.NDArray[np.float32]
AnyArray = npt.NDArray[Any]
Row = dict[str, Any]
"""One row of validated features, by name."""


class ImageRow(NamedTuple):
    """A decoded image together with a row of features."""

    image: Image.Image
    row: Row


ModelInput = Image.Image | Row | str | ImageRow
"""One input: a decoded image, a row of features, a text, or an image and a row."""


@dataclass(frozen=True, slots=True)
class Table:
    """A batch of rows of features, stored by column.

    Args:
        features: in the model's order.
        columns: arrays of shape `(n,)` by feature name: float64, int64, or bool; objects for text and categories. The type
            depends on the feature only, not on the rows: optional integers and booleans without a default are float64,
            because a missing number is NaN. Missing text is None.
    """

    features: tuple[Feature, ...]
    columns: Mapping[str, AnyArray]

    @classmethod
    def from_rows(cls, features: tuple[Feature, ...], rows: Sequence[Mapping[str, Any]]) -> Table:
        """Build a table from validated rows. Every row must contain every feature."""
        return cls(
            features, {feature.name: _make_column(feature, [row[feature.name] for row in rows]) for feature in features}
        )

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))


def _make_column(feature: Feature, values: list[Any]) -> AnyArray:
    dtype = {"float": np.float64, "integer": np.int64, "boolean": np.bool_}.get(feature.type, np.object_)
    if dtype is not np.object_ and not feature.required and feature.default is None:
        dtype = np.float64
    return np.array(values, dtype)


@dataclass(frozen=True, slots=True)
class ImageTable:
    """A batch of images, as float32 `(n, height, width, channels)` (or channels first), and a table of n rows."""

    images: Array
    table: Table

    def __len__(self) -> int:
        return len(self.images)


Batch = Array | Table | ImageTable
"""Images as float32 `(n, height, width, channels)` (or channels first), a table of n rows, or both.

Texts are a table with one column of the type `text`.
"""
BatchOutput = AnyArray | Mapping[str, AnyArray]
"""The output of a model for one batch: one array `(n, ...)`, or several by name."""
BatchFunction = Callable[[Any], BatchOutput]
"""A function that runs one batch."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """One named input or output of an artifact.

    Args:
        dtype: NumPy's name, such as `float32`; `str` for strings; empty if any type is accepted.
        shape: without the batch dimension; None for a variable size.
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Conversion:
    """An artifact in a format that another runtime runs faster.

    Args:
        runtime: name of the runtime that runs it.
        suffix: of its file name.
        data: its content.
    """

    runtime: str
    suffix: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ConvertedFile:
    """A file that runs in place of an artifact. Registration has converted the artifact and compared the results.

    Args:
        path: absolute.
        sha256: hash of the file, checked before the file is parsed.
    """

    runtime: str
    path: Path
    sha256: str


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """Everything that is needed to load one model version.

    Args:
        path: absolute path of a file or folder.
        sha256: hash of the artifact, checked before the artifact is parsed.
        trusted: allow the artifact to run its author's code.
        size: in bytes on disk.
        converted: runs in place of the artifact, if it is intact.
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
    converted: ConvertedFile | None = None

    def __str__(self) -> str:
        return f"{self.name}:{self.number}" if self.number else self.name


# Keys of a feature in the metadata of an artifact. They are not part of the signature.
UNKNOWN_KEY = "(unknown)"
UNUSED_KEY = "(unused)"


@dataclass(frozen=True, slots=True)
class ArtifactMetadata:
    """The metadata in an artifact. Fields that the artifact does not define are empty.

    Args:
        inputs, outputs: tensors, in the order of the runtime's arguments and results.
        features: features of a table, in order, with the keys of `model.toml`. `UNKNOWN_KEY` maps the keys that the user
            must state to the reason. `UNUSED_KEY` marks columns that the model does not use: they are left out, unless
            `model.toml` declares them. `takes_missing = False` marks text columns that need a default to be optional.
            `takes_marker = False` marks columns for which a number or text cannot stand for a missing value.
        has_feature_names: whether the features have the artifact's own names. `model.toml` can rename others.
        labels: the model's own class names, in order.
        output: the kind of output, with the keys of `model.toml`: `{"kind": "value"}`.
        image: how the artifact takes images, with the keys of `[input]`: `{"scale": "none"}`.
        notices: how metadata was derived, one sentence each, for the person who registers the model:
            `scale: none, because the network begins with Rescaling(scale=1/255).`
        activation: name of the activation of the final layer, such as `softmax`, `sigmoid`, or `linear`. Empty if unknown,
            or if there are several outputs.
        batch_problem: why the rows of a batch change each other's results, without a period: they must run one by one.
        framework, framework_version: the library that wrote the file, such as `keras` and `3.15.1`.
    """

    inputs: tuple[Tensor, ...] = ()
    outputs: tuple[Tensor, ...] = ()
    features: tuple[Mapping[str, Any], ...] = ()
    has_feature_names: bool = True
    labels: tuple[str, ...] = ()
    output: Mapping[str, Any] = field(default_factory=dict)
    image: Mapping[str, Any] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    activation: str = ""
    framework: str = ""
    framework_version: str = ""
    batch_problem: str = ""


@dataclass(slots=True)
class Timings:
    """Durations in milliseconds, from a monotonic clock. Each is set as soon as it is known, even if a later step fails."""

    preprocess_ms: float | None = None
    queue_ms: float | None = None
    inference_ms: float | None = None


@dataclass(frozen=True, slots=True)
class PredictionWarning:
    """A reason to doubt a prediction: a stable `code` for programs and a `message` for people."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class PredictionResult:
    """The output of a model for one input.

    Args:
        output: JSON by kind of output: `{"scores": {...}}`, `{"label": ...}`, `{"value": ...}`, `{"raw": ...}`, or for
            a multi-label model `{"scores": {...}, "labels": [...]}`.
        label, confidence: the predicted class and its score.
        value: the result of a regression.
        warnings: reasons to doubt the prediction, such as an empty image. The prediction is stored nevertheless.
    """

    output: dict[str, Any]
    label: str = ""
    confidence: float | None = None
    value: float | None = None
    warnings: tuple[PredictionWarning, ...] = ()
