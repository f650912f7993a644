"""Hash artifacts and measure their size. An artifact is a file or a folder."""

from __future__ import annotations

import hashlib
from pathlib import Path

from inference.errors import InvalidArtifact

CHUNK_BYTES = 2**20
MAX_FILES = 10_000  # in one model folder


def hash_artifact(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file, or of the listing of a folder.

    The listing has one line `<sha256>  <relative path>` per file, sorted by path. This command prints the same hash:
    `find . -type f -printf '%P\\0' | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum`.

    Raises:
        InvalidArtifact: the folder contains something other than regular files.
        OSError: a file cannot be read.
    """
    if not path.is_dir():
        return hash_file(path)
    lines = [f"{hash_file(path / name)}  {name}\n" for name in list_files(path)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def hash_file(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file, read in chunks."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def get_artifact_size(path: Path) -> int:
    """Return the size in bytes of a file, or of all files in a folder."""
    return sum((path / name).stat().st_size for name in list_files(path)) if path.is_dir() else path.stat().st_size


def list_files(folder: Path) -> list[str]:
    """Return the relative paths of all files in a folder, sorted by their bytes.

    Raises:
        InvalidArtifact: the folder is empty, has too many files, or contains a link, a device, or an unprintable file name.
    """
    names = []
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise InvalidArtifact(f"The model folder must contain only regular files. {name} is a link or a device.")
        if not name.isprintable():
            raise InvalidArtifact(f"File names in the model folder must be printable. Received: {name!r}")
        if path.is_file():
            names.append(name)
    if not 1 <= len(names) <= MAX_FILES:
        raise InvalidArtifact(f"Expected 1 to {MAX_FILES:,} files in the model folder. Received: {len(names):,}")
    return sorted(names, key=str.encode)
