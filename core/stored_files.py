"""The files of a storage, as a list of them describes them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in a storage: its name, its size in bytes, and when it was last changed."""

    name: str
    size: int
    modified_at: datetime


def walk_files(root: str, folder: str) -> Iterator[StoredFile]:
    """Yield all files on disk below a folder of a root, in any order."""
    for path in Path(root, folder).rglob("*"):
        with suppress(FileNotFoundError):  # it was renamed or deleted meanwhile
            if path.is_file():
                status = path.stat()
                name = path.relative_to(root).as_posix()
                yield StoredFile(name, status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))
