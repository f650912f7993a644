"""The base class of every runtime."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from inference.types import ArtifactMetadata, BatchFunction, Conversion


class BaseRuntime:
    """Load one artifact format and run batches.

    Subclasses must override `load()`. Import heavy libraries inside `load()` only, so that a process that does not
    serve this format does not load them.

    Args:
        path: the artifact, already verified.
        threads: number of threads that one batch can use; 0 means the library's default.
        trusted: allow this artifact to run its author's code.
    """

    suffixes: ClassVar[tuple[str, ...]] = ()
    """File suffixes of the artifacts that this runtime loads."""
    marker: ClassVar[str] = ""
    """Name of the file that identifies a model folder of this format."""
    data_suffixes: ClassVar[tuple[str, ...]] = ()
    """Suffixes of the artifacts that load as data. Loading any other artifact can run its author's code."""

    is_reentrant: ClassVar[bool] = False
    """Whether several threads can call the function that `load()` returns at the same time."""

    def __init__(self, path: Path, *, threads: int = 0, trusted: bool = False) -> None:
        self.path = path
        self.threads = threads
        self.trusted = trusted

    @classmethod
    def match_suffix(cls, path: Path) -> str:
        """Return the suffix or marker that matches the artifact, or an empty string."""
        if path.is_dir():
            return cls.marker if cls.marker and (path / cls.marker).is_file() else ""
        return next((suffix for suffix in cls.suffixes if path.name.lower().endswith(suffix)), "")

    @classmethod
    def loads_as_data(cls, path: Path) -> bool:
        """Return whether this artifact loads without running its author's code."""
        return path.is_file() and cls.match_suffix(path) in cls.data_suffixes

    def load(self) -> BatchFunction:
        """Load the artifact and return the function that runs one batch.

        Returns:
            A function that takes a batch (an array of images or a `Table`) and returns one row of output per input row,
            or several outputs by name. Only one thread calls it at a time, unless `is_reentrant`.

        Raises:
            InvalidArtifact: the file must not be loaded or does not match its suffix.
        """
        raise NotImplementedError(f"{type(self).__name__} must override load()")

    def convert(self) -> Conversion | None:
        """Return the loaded artifact in a format that another runtime runs faster; None if there is no such format.

        Raises:
            Exception: any, from the libraries that convert it.
        """
        return None

    def describe(self) -> ArtifactMetadata:
        """Return the metadata of the loaded artifact. The default is empty."""
        return ArtifactMetadata()
