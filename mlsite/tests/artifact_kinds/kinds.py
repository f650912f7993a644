"""One kind of artifact: how it is made with its own library, and what it predicts there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Expected:
    """What the library itself predicts for one input. Fields that are None or empty are not compared."""

    label: str | None = None
    scores: Mapping[str, float] | None = None
    value: float | None = None
    labels: Sequence[str] | None = None
    raw: Any = None


@dataclass(frozen=True, slots=True)
class BuiltArtifact:
    """An artifact that was saved by its library.

    Args:
        path: what to pass to `register_model`: a file, or a folder.
        inputs: at least four different inputs: the bytes of an image file, a row of features by name, a text, or a pair
            of image and row.
        expected: one prediction per input, computed without code of mlsite.
        options: keyword arguments of `register_model`, such as `trusted`.
    """

    path: Path
    inputs: Sequence[Any]
    expected: Sequence[Expected]
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ArtifactKind:
    """A row of the table of artifact kinds.

    Args:
        derived: what registration reads from the artifact, in words: `scale none, from the layer Rescaling`.
        stated: what the user must state, as an option or a key of `model.toml`; empty if nothing.
        build: makes the artifact in an empty folder.
        requires: modules that must be installed. Outside CI, the test is skipped without them.
    """

    name: str
    derived: str
    stated: str
    build: Callable[[Path], BuiltArtifact]
    requires: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.name
