"""Artifacts on the disk, files and folders: what they hash to and how large they are."""

from __future__ import annotations

import hashlib
from pathlib import Path

from inference.errors import InvalidArtifact

CHUNK = 2**20  # bytes
MAX_FILES = 10_000  # in one model folder


def artifact_sha256(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file, or of a folder's listing.

    A folder's is that of the lines `<sha256>  <path inside>` of all its files in the order of their paths, as
    `find . -type f -printf '%P\\0' | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum` prints it.

    Raises:
        InvalidArtifact: when a folder holds what is no plain file.
        OSError: when something cannot be read.
    """
    if not path.is_dir():
        return file_sha256(path)
    lines = [f"{file_sha256(path / name)}  {name}\n" for name in files_of(path)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def file_sha256(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file, read in chunks."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def artifact_size(path: Path) -> int:
    """Return the bytes of a file, or of all files of a folder."""
    return sum((path / name).stat().st_size for name in files_of(path)) if path.is_dir() else path.stat().st_size


def files_of(folder: Path) -> list[str]:
    """Return the paths of a folder's files inside it, sorted by their bytes.

    Raises:
        InvalidArtifact: when it holds a link, a device, a name with a line break, or too many files.
    """
    names = []
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise InvalidArtifact(f"Expected plain files in the model folder. {name} is a link or a device.")
        if not name.isprintable():
            raise InvalidArtifact(f"Expected printable names in the model folder. Received: {name!r}")
        if path.is_file():
            names.append(name)
    if not 1 <= len(names) <= MAX_FILES:
        raise InvalidArtifact(f"Expected 1 to {MAX_FILES:,} files in the model folder. Received: {len(names):,}")
    return sorted(names, key=str.encode)
