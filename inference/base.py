"""The base of every runtime."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from inference.types import ArtifactFacts, Run


class BaseRuntime:
    """The adapter that loads one kind of artifact and runs a batch.

    Subclasses must override `load()`; everything else has a working default. Heavy libraries are imported inside
    `load()` and nowhere else, so that a process that serves no such model never pays for them.

    Args:
        path: the artifact, already verified.
        threads: how many threads one batch may use; 0 leaves it to the library.
    """

    suffixes: ClassVar[tuple[str, ...]] = ()
    """File endings of the artifacts that this runtime loads."""

    def __init__(self, path: Path, *, threads: int = 0) -> None:
        self.path = path
        self.threads = threads

    def load(self) -> Run:
        """Load the artifact and return the function that runs one batch.

        Returns:
            A function of a float32 batch `(n, *input shape)` to one row of output per row of input. It is only ever
            called by one thread at a time.

        Raises:
            InvalidArtifact: when the file must not be loaded or is not what its name says.
        """
        raise NotImplementedError(f"{type(self).__name__} must override load()")

    def describe(self) -> ArtifactFacts:
        """Return what the artifact says about itself, once loaded. By default nothing is known."""
        return ArtifactFacts()
