"""A file storage that has a file on the disk, not in a cache, before it says so."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage
from django.utils.deconstruct import deconstructible

TEMPORARY = "tmp"  # folder below MEDIA_ROOT for files that are still being written
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class StorageFull(OSError):
    """The disk, the quota or the file-size limit is exhausted; what was written has been removed."""


@deconstructible(path="core.storage.DurableFileSystemStorage")
class DurableFileSystemStorage(FileSystemStorage):
    """Write to a temporary file, fsync it, rename it, fsync the folder.

    After a crash at any point a file is there whole or not at all, and a file is never overwritten. The order is the one
    that T. S. Pillai et al., "All File Systems Are Not Created Equal" (OSDI 2014) found to hold on every file system.
    """

    def _save(self, name: str, content: File) -> str:
        target = Path(self.path(name))
        try:
            self._make_durable(target.parent)
            self._write(content, target)
            _fsync_folder(target.parent)
        except OSError as error:
            if error.errno in FULL:
                raise StorageFull(error.errno, "No space is left for uploaded files.") from error
            raise
        return name

    def _write(self, content: File, target: Path) -> None:
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
            # save() has looked for a free name, and the ledger's names are UUIDs: nothing is overwritten here.
            os.rename(temporary, target)
        except BaseException:
            os.unlink(temporary)
            raise

    def _make_durable(self, folder: Path) -> None:
        """Create a folder below the root, and sync the entry of each folder on the way, once in each process.

        That a folder is there does not say that its entry is on the disk: another thread may have made it just now.
        """
        root = Path(self.location)
        root.mkdir(parents=True, exist_ok=True)
        for part in (*reversed(folder.relative_to(root).parents), folder.relative_to(root)):
            new = root / part
            if new not in _durable or not new.is_dir():
                new.mkdir(exist_ok=True)
                _fsync_folder(new.parent)
                _durable.add(new)


_durable: set[Path] = set()  # folders whose entries this process has synced


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
