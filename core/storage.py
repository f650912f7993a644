"""A file storage that writes files durably: `save()` returns after the file is on disk."""

from __future__ import annotations

import logging
import os
import re
import secrets
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from functools import cache
from typing import Self

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage
from django.utils.deconstruct import deconstructible

from core.storage_errors import build_storage_error, translate_read_errors, translate_write_errors
from core.stored_files import StoredFile, walk_files

TEMPORARY_FOLDER = "tmp"  # below the root of the storage, for files that are still being written
# Many files are written in four threads, because the file system combines their fsyncs. For 64 small files, four threads
# that first write all files use 92 µs of CPU and 101 µs of time per file; 16 threads that sync each, 245 and 177 µs.
WRITER_PARTS = 4
MAX_WRITER_THREADS = 8  # of this process
PLAIN_NAME = re.compile(r"\w[\w.-]*(?:/\w[\w.-]*)*", re.ASCII)  # none of its parts begins with a dot

logger = logging.getLogger(__name__)


@deconstructible(path="core.storage.DurableFileSystemStorage")
class DurableFileSystemStorage(FileSystemStorage):
    """Write to a temporary file, fsync it, rename it, and fsync the folder.

    After a crash, a file is either complete or absent. Existing files are never overwritten. This order of operations is
    safe on every file system that T. S. Pillai et al. examined in "All File Systems Are Not Created Equal" (OSDI 2014).
    """

    is_remote = False

    @property
    def scratch(self) -> Self:
        """The storage on this machine with the temporary files."""
        return self

    def path(self, name: str) -> str:
        # A plain name needs no normalization.
        return os.path.join(self.location, name) if PLAIN_NAME.fullmatch(name) else super().path(name)

    def save_bytes(self, name: str, data: bytes) -> str:
        """Store a new file as `save` does, and return its name, without the layers of Django's `File`.

        Saves 0.37 ms of 0.69 ms CPU per small file, with 16 threads on ext4. `O_TMPFILE` and `link` instead of a temporary
        name saved nothing. One thread that writes the files of many requests, and syncs each folder once, saved no CPU, and
        wrote 200 instead of 3000 files/s, because the file system combines the fsyncs of many threads.
        """
        path = self.path(name)
        if os.path.lexists(path):
            name = self.get_available_name(name)
            path = self.path(name)
        self._store([data], path)
        return name

    def save_all(self, files: Sequence[tuple[str, bytes]]) -> list[str]:
        """Store new files as `save_bytes` does, in several threads, and return their names. Sync each folder once.

        If one of them cannot be stored, the others are removed.
        """
        names = [self.get_available_name(name) if os.path.lexists(self.path(name)) else name for name, _ in files]
        items = [(self.path(name), data) for name, (_, data) in zip(names, files, strict=True)]
        folders = {os.path.dirname(path) for path, _ in items}
        with translate_write_errors():
            for folder in folders:
                self._create_folder(folder)
        parts = [items[start::WRITER_PARTS] for start in range(min(WRITER_PARTS, len(items)))]
        futures = [get_writers().submit(self._store_together, part) for part in parts]
        try:
            wait(futures)
            with translate_write_errors():
                for future in futures:
                    future.result()
                for folder in folders:
                    _fsync_folder(folder)
        except BaseException:
            for part, future in zip(parts, futures, strict=True):
                if future.exception() is None:
                    remove_files(path for path, _ in part)
            raise
        return names

    def _store_together(self, items: Sequence[tuple[str, bytes]]) -> None:
        """Write all files, fsync all, and rename all. The folder is not synced. If one of them fails, none remains."""
        opened: list[tuple[int, str]] = []
        renamed: list[str] = []
        try:
            for _, data in items:
                descriptor, temporary = self.open_temporary_file()
                opened.append((descriptor, temporary))
                write_all(descriptor, data)
                os.fchmod(descriptor, self.file_permissions_mode or 0o600)
            for descriptor, _ in opened:
                os.fsync(descriptor)
            for (path, _), (_, temporary) in zip(items, opened, strict=True):
                os.rename(temporary, path)
                renamed.append(path)
        except BaseException:
            remove_files([*renamed, *(temporary for _, temporary in opened[len(renamed) :])])
            raise
        finally:
            for descriptor, _ in opened:
                os.close(descriptor)

    def open_temporary_file(self) -> tuple[int, str]:
        """Create a file in the temporary folder, and return its descriptor and its path. `adopt_file` stores it."""
        folder = os.path.join(self.location, TEMPORARY_FOLDER)
        path = os.path.join(folder, secrets.token_hex(16))
        with translate_write_errors():
            self._create_folder(folder)
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), path

    def adopt_file(self, name: str, descriptor: int, path: str, *, sha256: str) -> str:
        """Store a complete file of `open_temporary_file` under a name that contains a new UUID, and return the name.

        Args:
            sha256: of the content. Only object storages compare it.

        Raises:
            StorageUnavailable: nothing is stored. The temporary file can remain.
        """
        target = self.path(name)
        with translate_write_errors():
            self._create_folder(os.path.dirname(target))
            os.fchmod(descriptor, self.file_permissions_mode or 0o600)
            os.fsync(descriptor)
            _rename_durably(path, target)
        return name

    def iterate_files(self, folder: str) -> Iterator[StoredFile]:
        """Return all files below a folder, in any order."""
        return walk_files(str(self.location), folder)

    def _open(self, name: str, mode: str = "rb") -> File:
        """Open a file. A file that is missing is a `FileNotFoundError`, unless the whole folder is missing."""
        with translate_read_errors():
            try:
                file: File = super()._open(name, mode)  # type: ignore[misc]
                return file
            except FileNotFoundError as error:
                if os.path.isdir(self.location):
                    raise
                raise build_storage_error(error) from error

    def _save(self, name: str, content: File) -> str:
        self._store(content.chunks(), self.path(name))
        return name

    def _store(self, chunks: Iterable[bytes], target: str) -> None:
        with translate_write_errors():
            self._create_folder(os.path.dirname(target))
            temporary = self._write_temporary_file(chunks)
            try:
                _rename_durably(temporary, target)
            except BaseException:
                remove_files([temporary])
                raise

    def _write_temporary_file(self, chunks: Iterable[bytes]) -> str:
        """Write and fsync a file with a unique name, and return its path."""
        descriptor, path = self.open_temporary_file()
        try:
            for chunk in chunks:
                write_all(descriptor, chunk)
            os.fchmod(descriptor, self.file_permissions_mode or 0o600)
            os.fsync(descriptor)
        except BaseException:
            remove_files([path])
            raise
        finally:
            os.close(descriptor)
        return path

    def _create_folder(self, folder: str) -> None:
        """Create a folder below the root, with its parents, and fsync the entry of each, once per process.

        A folder that exists may not be on disk yet, because another thread may have just created it.
        """
        if folder in _synced_folders and os.path.isdir(folder):
            return
        if folder == self.location:
            os.makedirs(folder, exist_ok=True)
        else:
            self._create_folder(os.path.dirname(folder))
            with suppress(FileExistsError):
                os.mkdir(folder)
        _fsync_folder(os.path.dirname(folder))
        _synced_folders.add(folder)


def write_all(descriptor: int, data: bytes) -> None:
    """Write all bytes to a file.

    Raises:
        StorageUnavailable: no space is left, or the disk does not work.
    """
    rest = memoryview(data)
    with translate_write_errors():
        while rest:  # the system can write less than it was given, for example up to a size limit
            rest = rest[os.write(descriptor, rest) :]


@cache
def get_writers() -> ThreadPoolExecutor:
    """Return the threads that store many files at once."""
    return ThreadPoolExecutor(MAX_WRITER_THREADS, thread_name_prefix="writer")


def remove_files(paths: Iterable[str]) -> None:
    """Remove files that are not needed. `sweep_media` removes those that cannot be removed now."""
    for path in paths:
        try:
            os.unlink(path)
        except FileNotFoundError:
            continue
        except OSError as error:
            logger.warning("file not removed", extra={"path": path, "reason": error.strerror})


_synced_folders: set[str] = set()  # folders whose entries this process has synced


def _rename_durably(path: str, target: str) -> None:
    """Rename a file and sync the folder. If that fails, the target does not exist.

    This never overwrites a file: the name is free, and names contain a UUID or a hash.
    """
    os.rename(path, target)
    try:
        _fsync_folder(os.path.dirname(target))
    except BaseException:
        remove_files([target])
        raise


def _fsync_folder(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
