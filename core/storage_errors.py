"""The errors of file storages: one translation from the errors of the operating system to codes and texts."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from django.utils.translation import gettext, gettext_noop

FULL_REASONS = {
    errno.ENOSPC: gettext_noop("No space is left for uploaded files."),
    errno.EDQUOT: gettext_noop("The disk quota for uploaded files is reached."),
    errno.EFBIG: gettext_noop("The file is larger than the system allows for uploaded files."),
}
UNAVAILABLE_REASONS = {
    errno.EMFILE: gettext_noop("The server has too many open files."),
    errno.ENFILE: gettext_noop("The machine of the server has too many open files."),
    errno.EROFS: gettext_noop("The disk for stored files is read-only."),
    errno.EACCES: gettext_noop("The server has no access to its stored files."),
    errno.EPERM: gettext_noop("The server has no access to its stored files."),
    errno.EIO: gettext_noop("The disk for stored files reported an error."),
    errno.ENOENT: gettext_noop("The folder for stored files is missing."),
    errno.ENOTDIR: gettext_noop("The folder for stored files is missing."),
    errno.ENAMETOOLONG: gettext_noop("The path of the folder for stored files is too long."),
    errno.ESTALE: gettext_noop("The file server for stored files is not available."),
    errno.ETIMEDOUT: gettext_noop("The file server for stored files is not available."),
    errno.EHOSTDOWN: gettext_noop("The file server for stored files is not available."),
    errno.ENOTCONN: gettext_noop("The file server for stored files is not available."),
}
OTHER_REASON = gettext_noop("Stored files are not available.")
DESCRIPTOR_ERRORS = {errno.EMFILE, errno.ENFILE}


class StorageUnavailable(OSError):
    """The storage can neither store nor read files at the moment. A new file that is incomplete has been removed.

    This is not the error of a single file that is missing: that is a `FileNotFoundError`.
    """

    code = "storage-unavailable"

    def __str__(self) -> str:
        """Return the message in the current language, without the number of the error of the operating system."""
        return gettext(self.strerror) if self.strerror else ""


class StorageFull(StorageUnavailable):
    """The disk is full, or a quota or the file-size limit is reached. The incomplete file has been removed."""

    code = "storage-full"


def build_storage_error(error: OSError) -> StorageUnavailable:
    """Return the error of the storage for an error of the operating system."""
    if isinstance(error, StorageUnavailable):
        return error
    if error.errno in FULL_REASONS:
        return StorageFull(error.errno, FULL_REASONS[error.errno])
    return StorageUnavailable(error.errno or errno.EIO, UNAVAILABLE_REASONS.get(error.errno or 0, OTHER_REASON))


def find_storage_error(error: BaseException | None) -> StorageUnavailable | None:
    """Return the error of the storage for an error that no code has translated; None for an error of another kind.

    A process without free descriptors fails anywhere, for example when it opens a template.
    """
    if isinstance(error, StorageUnavailable):
        return error
    if isinstance(error, OSError) and error.errno in DESCRIPTOR_ERRORS:
        return build_storage_error(error)
    return None


def raise_if_unavailable(error: BaseException) -> None:
    """Raise `StorageUnavailable` for an error of the disk, but not for one that the content of a file causes."""
    if isinstance(error, OSError) and error.errno in UNAVAILABLE_REASONS:
        raise build_storage_error(error) from error


@contextmanager
def translate_write_errors() -> Iterator[None]:
    """Raise `StorageUnavailable`, or its subclass `StorageFull`, for each error of the operating system."""
    try:
        yield
    except StorageUnavailable:
        raise
    except OSError as error:
        raise build_storage_error(error) from error


@contextmanager
def translate_read_errors() -> Iterator[None]:
    """Raise `StorageUnavailable` for each error of the operating system except `FileNotFoundError`, which stays."""
    try:
        yield
    except (StorageUnavailable, FileNotFoundError):
        raise
    except OSError as error:
        raise build_storage_error(error) from error
