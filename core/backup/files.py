"""Copy the files of MEDIA_ROOT and MODEL_ROOT. Links to them would not survive damage of the originals."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from core.backup.errors import BackupError
from core.private_files import FILE_MODE, FOLDER_MODE
from core.storage import TEMPORARY_FOLDER

CHUNK_BYTES = 2**20


def get_roots() -> dict[str, Path]:
    """Return the folders with files of the site, by their names in a backup."""
    return {"media": Path(settings.MEDIA_ROOT), "models": Path(settings.MODEL_ROOT)}


def list_files(root: Path) -> Iterator[str]:
    """Yield the relative paths of all complete files below a folder, which does not need to exist.

    Raises:
        BackupError: a folder cannot be read.
    """

    def fail(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            raise BackupError(
                f"{error.filename} cannot be read: {error.strerror}. Run the command as the user of the server."
            )

    for folder, folders, names in os.walk(root, onerror=fail):
        if Path(folder) == root and TEMPORARY_FOLDER in folders:
            folders.remove(TEMPORARY_FOLDER)
        for name in names:
            path = os.path.relpath(os.path.join(folder, name), root)
            if "\n" in path or "\r" in path:
                raise BackupError(f"{path!r} in {root} has a line break in its name. Rename it.")
            yield path


def copy_file(source: Path, target: Path, *, mode: int = FILE_MODE) -> tuple[str, int]:
    """Copy a file to a temporary name, rename it, and return its SHA-256 and size. Nothing is synced.

    A backup is as private as the site: it contains personal data and password hashes.

    Raises:
        OSError: a file cannot be read or written.
    """
    target.parent.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
    temporary = target.with_name(f"{target.name}.new")
    digest, size = hashlib.sha256(), 0
    try:
        with (
            source.open("rb") as reader,
            open(temporary, "wb", opener=lambda path, flags: os.open(path, flags, mode)) as writer,
        ):
            while chunk := reader.read(CHUNK_BYTES):
                digest.update(chunk)
                size += len(chunk)
                writer.write(chunk)
        temporary.rename(target)
    finally:
        temporary.unlink(missing_ok=True)
    return digest.hexdigest(), size


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync() -> None:
    """Write everything to disk. One sync for all files takes less time than one for each."""
    os.sync()
