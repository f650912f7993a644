"""A file storage that writes files durably: `save()` returns after the file is on disk."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage
from django.utils.deconstruct import deconstructible

TEMPORARY_FOLDER = "tmp"  # below the root of the storage, for files that are still being written
NO_SPACE_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class StorageFull(OSError):
    """The disk is full, or a quota or the file-size limit is reached. The incomplete file has been removed."""

    code = "storage-full"

    def __str__(self) -> str:
        """Return the message for people, without the number of the operating system's error."""
        return self.strerror or ""


@deconstructible(path="core.storage.DurableFileSystemStorage")
class DurableFileSystemStorage(FileSystemStorage):
    """Write to a temporary file, fsync it, rename it, and fsync the folder.

    After a crash, a file is either complete or absent. Existing files are never overwritten. This order of operations is
    safe on every file system that T. S. Pillai et al. examined in "All File Systems Are Not Created Equal" (OSDI 2014).
    """

    def _save(self, name: str, content: File) -> str:
        target = Path(self.path(name))
        try:
            self._create_folder(target.parent)
            self._write_file(content, target)
            _fsync_folder(target.parent)
        except OSError as error:
            if error.errno in NO_SPACE_ERRORS:
                raise StorageFull(error.errno, "No space is left for uploaded files.") from error
            raise
        return name

    def _write_file(self, content: File, target: Path) -> None:
        folder = Path(self.location, TEMPORARY_FOLDER)
        folder.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=folder)
        try:
            with os.fdopen(descriptor, "wb") as file:
                for chunk in content.chunks():
                    file.write(chunk)
                file.flush()
                os.fchmod(file.fileno(), self.file_permissions_mode or 0o600)
                os.fsync(file.fileno())
            # This never overwrites a file: save() chooses a free name, and names contain a UUID or a hash.
            os.rename(temporary, target)
        except BaseException:
            os.unlink(temporary)
            raise

    def _create_folder(self, folder: Path) -> None:
        """Create a folder below the root, with its parents, and fsync the entry of each, once per process.

        A folder that exists may not be on disk yet, because another thread may have just created it.
        """
        root = Path(self.location)
        root.mkdir(parents=True, exist_ok=True)
        for part in (*reversed(folder.relative_to(root).parents), folder.relative_to(root)):
            path = root / part
            if path not in _synced_folders or not path.is_dir():
                path.mkdir(exist_ok=True)
                _fsync_folder(path.parent)
                _synced_folders.add(path)


_synced_folders: set[Path] = set()  # folders whose entries this process has synced


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
