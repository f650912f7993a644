"""A file storage that has a file on the disk, not in a cache, before it says so."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path
from typing import Any

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage
from django.utils.deconstruct import deconstructible

INPUTS = "inputs"  # folder below MEDIA_ROOT for what was uploaded
TEMPORARY = "tmp"  # folder below MEDIA_ROOT for files that are still being written
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class StorageFull(OSError):
    """The disk, the quota or the file-size limit is exhausted; what was written has been removed."""


@deconstructible(path="predictions.storage.DurableFileSystemStorage")
class DurableFileSystemStorage(FileSystemStorage):
    """Write to a temporary file, fsync it, rename it, fsync the folder.

    After a crash at any point a file is there whole or not at all, and a file is never overwritten. The order is the one
    that T. S. Pillai et al., "All File Systems Are Not Created Equal" (OSDI 2014) found to hold on every file system.
    """

    def _save(self, name: str, content: File) -> str:
        target = Path(self.path(name))
        try:
            self._make_folder(target.parent)
            # save() has looked for a free name, and the ledger's names are UUIDs: nothing is overwritten here.
            os.rename(self._write_temporary(content), target)
            _fsync_folder(target.parent)
        except OSError as error:
            if error.errno in FULL:
                raise StorageFull(error.errno, "No space is left for uploaded files.") from error
            raise
        return name

    def _write_temporary(self, content: File) -> str:
        folder = Path(self.location, TEMPORARY)
        folder.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=folder)
        try:
            with os.fdopen(descriptor, "wb") as file:
                for chunk in content.chunks():
                    file.write(chunk)
                file.flush()
                os.fchmod(file.fileno(), self.file_permissions_mode or 0o600)
                os.fsync(file.fileno())
        except BaseException:
            os.unlink(temporary)
            raise
        return temporary

    def _make_folder(self, folder: Path) -> None:
        """Create a folder and make each new entry on the way to it durable."""
        missing: list[Path] = []
        while not folder.is_dir():
            missing.append(folder)
            folder = folder.parent
        for new in reversed(missing):
            new.mkdir(exist_ok=True)
            _fsync_folder(new.parent)


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def input_path(instance: Any, filename: str) -> str:
    """Return `inputs/ab/cd/<uuid>.<ext>`, by the id's random end and by the decoder's word on the format."""
    extension = instance.content_type.removeprefix("image/").replace("jpeg", "jpg")
    return f"{INPUTS}/{instance.id.hex[-2:]}/{instance.id.hex[-4:-2]}/{instance.id}.{extension}"
