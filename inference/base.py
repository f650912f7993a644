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
        trusted: the operator lets this artifact run code of its author.
    """

    suffixes: ClassVar[tuple[str, ...]] = ()
    """File endings of the artifacts that this runtime loads."""
    marker: ClassVar[str] = ""
    """The file by which a folder of this kind is known."""
    data: ClassVar[tuple[str, ...]] = ()
    """The suffixes of artifacts that are loaded as data. Whatever else it loads runs code of its author, or may."""

    def __init__(self, path: Path, *, threads: int = 0, trusted: bool = False) -> None:
        self.path = path
        self.threads = threads
        self.trusted = trusted

    @classmethod
    def ending_of(cls, path: Path) -> str:
        """Return by which suffix or marker this runtime knows the artifact; empty when it does not."""
        if path.is_dir():
            return cls.marker if cls.marker and (path / cls.marker).is_file() else ""
        return next((suffix for suffix in cls.suffixes if path.name.lower().endswith(suffix)), "")

    @classmethod
    def loads_as_data(cls, path: Path) -> bool:
        """Return whether loading this artifact runs none of its author's code."""
        return path.is_file() and cls.ending_of(path) in cls.data

    def load(self) -> Run:
        """Load the artifact and return the function that runs one batch.

        Returns:
            A function of a batch, images or a `Table`, to one row of output per row of input, or to several outputs by
            name. It is only ever called by one thread at a time.

        Raises:
            InvalidArtifact: when the file must not be loaded or is not what its name says.
        """
        raise NotImplementedError(f"{type(self).__name__} must override load()")

    def describe(self) -> ArtifactFacts:
        """Return what the artifact says about itself, once loaded. By default nothing is known."""
        return ArtifactFacts()
