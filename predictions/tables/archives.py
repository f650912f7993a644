"""Read ZIP archives of images member by member. Nothing is extracted to disk, and memory use is bounded."""

from __future__ import annotations

import lzma
import os
import struct
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Any, cast

from django.core.files.base import ContentFile
from django.utils.translation import gettext

from core.formatting import format_bytes, format_count
from core.storage_errors import raise_if_unavailable
from core.validators import MAX_FILE_NAME_CHARACTERS, clean_file_name
from inference.errors import InvalidInput
from inference.messages import format_names

MAX_DIRECTORY_BYTES = 32 * 2**20  # the table of contents, which is read as a whole
MAX_EXPANSION = 20  # size of all members divided by the size of the archive; images hardly shrink
EXPANSION_ALLOWANCE_BYTES = 64 * 2**20  # a small archive may expand more
LOCAL_HEADER_BYTES = 30
END_RECORD_BYTES, MAX_COMMENT_BYTES = 22, 2**16
ENTRY_SIGNATURE, END_SIGNATURE = b"PK\x01\x02", b"PK\x05\x06"
ENTRIES_PER_MEMBER, MAX_FOLDERS = 2, 10_000  # macOS adds a hidden file to each file
ENCRYPTED_FLAG = 0x1
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others have no limit on what one read expands to
IMAGE_EXTENSIONS = {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ""}
IGNORED_NAMES = {"thumbs.db", "desktop.ini"}
WORKBOOK_MEMBER = "[Content_Types].xml"
READ_ERRORS = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError, struct.error)


@dataclass(frozen=True, slots=True)
class Member:
    """One file in an archive.

    Args:
        name: the path in the archive, for display only.
    """

    name: str
    info: zipfile.ZipInfo


class ArchiveFile:
    """A ZIP archive of images.

    Folders and the hidden files of operating systems are ignored. All other members are items; those that are not images
    are rejected one by one.

    Args:
        file: opened for reading bytes.
        size: of the file, in bytes.

    Attributes:
        members: the files in the order of the archive's table of contents.

    Raises:
        InvalidInput: the file is not a ZIP archive, is damaged or encrypted, or contains no images.
    """

    def __init__(self, file: IO[bytes], *, size: int, max_members: int) -> None:
        _check_end(file, size)
        reader = _DirectoryReader(file, max_members=max_members)
        try:
            self._archive = zipfile.ZipFile(cast(IO[bytes], reader))
            infos = self._archive.infolist()
        except (*READ_ERRORS, ValueError, OSError, UnicodeError) as error:
            raise_if_unavailable(error)
            raise make_archive_error(gettext("The ZIP archive is damaged: %(error)s.") % {"error": error}) from error
        reader.is_open = True
        if any(info.filename == WORKBOOK_MEMBER for info in infos):
            raise make_archive_error(gettext("The file is an Excel workbook or a document. Save the table as CSV UTF-8."))
        self.members = [Member(_clean_path(info.filename), info) for info in infos if _is_item(info)]
        if len(self.members) > max_members:
            raise make_archive_error(
                gettext("The archive has %(count)s files. The limit is %(limit)s.")
                % {"count": format_count(len(self.members)), "limit": format_count(max_members)},
                code="too-many-items",
            )
        self._size = size
        _check_members(self.members)
        self.check_expansion(sum(member.info.file_size for member in self.members))
        _check_overlaps(infos)

    def check_expansion(self, total: int) -> None:
        """Check the size of what is read from the archive.

        Raises:
            InvalidInput: it is much larger than the archive.
        """
        if total > MAX_EXPANSION * self._size + EXPANSION_ALLOWANCE_BYTES:
            raise make_archive_error(
                gettext("The archive (%(size)s) expands to %(total)s. Images do not compress that much.")
                % {"size": format_bytes(self._size), "total": format_bytes(total)},
                code="archive-bomb",
            )

    def read(self, member: Member, *, max_bytes: int) -> ContentFile:
        """Return a member as a file.

        Raises:
            InvalidInput: it is too large, encrypted, or damaged. The message does not name the member.
        """
        info = member.info
        if info.flag_bits & ENCRYPTED_FLAG:
            raise make_archive_error(
                gettext("The file is encrypted. Create the archive without a password."), code="encrypted"
            )
        if info.filename.lower().endswith(".zip"):
            raise make_archive_error(
                gettext("The file is an archive in the archive. Unpack it first."), code="nested-archive"
            )
        if info.compress_type not in METHODS:
            raise make_archive_error(
                gettext("The compression method is not supported. Create the archive with the method Deflate."),
                code="unsupported-compression",
            )
        try:
            with self._archive.open(info) as stream:
                data = stream.read(max_bytes + 1)  # the size in the header may be wrong
        except (*READ_ERRORS, ValueError, OSError) as error:
            raise_if_unavailable(error)
            raise make_archive_error(
                gettext("The file is damaged: %(error)s.") % {"error": error}, code="damaged-file"
            ) from error
        if len(data) > max_bytes:
            limit = format_bytes(max_bytes)
            raise make_archive_error(
                gettext("The file is too large. The limit is %(limit)s.") % {"limit": limit}, code="file-too-large"
            )
        return ContentFile(data, name=clean_file_name(info.filename) or "image")

    def close(self) -> None:
        """Close the archive, but not the file."""
        self._archive.close()


def make_archive_error(message: str, *, code: str = "invalid-archive", field: str = "file") -> InvalidInput:
    """Return the error of an archive or of one of its members."""
    return InvalidInput(message, code=code, field=field)


def is_archive(file: IO[bytes]) -> bool:
    """Return whether a file starts like a ZIP archive."""
    file.seek(0)
    start = file.read(4)
    file.seek(0)
    return start in (b"PK\x03\x04", END_SIGNATURE)


class _DirectoryReader:
    """A file that limits the table of contents, which `zipfile` reads at once when an archive is opened.

    The sizes in the end records of an archive are not checked, because `zipfile` decides which of several records counts.
    """

    def __init__(self, file: IO[bytes], *, max_members: int) -> None:
        self._file, self._max_members = file, max_members
        self.is_open = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def read(self, size: int = -1) -> bytes:
        """Read bytes.

        Raises:
            InvalidInput: the archive is not open yet, and its table of contents is too large.
        """
        if not self.is_open and size > MAX_DIRECTORY_BYTES:
            raise self._make_error()
        data = self._file.read(size)
        if not self.is_open and data.count(ENTRY_SIGNATURE) > ENTRIES_PER_MEMBER * self._max_members + MAX_FOLDERS:
            raise self._make_error()
        return data

    def _make_error(self) -> InvalidInput:
        return make_archive_error(
            gettext("The archive has more than %(limit)s files.") % {"limit": format_count(self._max_members)},
            code="too-many-items",
        )


def _check_end(file: IO[bytes], size: int) -> None:
    """Check that the file ends like a ZIP archive."""
    length = min(size, END_RECORD_BYTES + MAX_COMMENT_BYTES)
    file.seek(size - length)
    if END_SIGNATURE not in file.read(length):
        raise make_archive_error(gettext("The file is not a complete ZIP archive. Create it again."))


def _is_item(info: zipfile.ZipInfo) -> bool:
    parts = split_path(info.filename)
    if info.filename.endswith("/") or not parts or parts[0] == "__MACOSX":
        return False
    return not any(part.startswith(".") for part in parts) and parts[-1].lower() not in IGNORED_NAMES


def _clean_path(name: str) -> str:
    """Return the path of a member without invisible characters, truncated at its start."""
    return "/".join(filter(None, map(clean_file_name, split_path(name))))[-MAX_FILE_NAME_CHARACTERS:]


def split_path(name: str) -> list[str]:
    """Return the parts of a path in an archive, without those that lead out of it."""
    return [part for part in name.replace("\\", "/").split("/") if part not in ("", ".", "..")]


def _check_members(members: Sequence[Member]) -> None:
    names = [member.name for member in members]
    if not any(os.path.splitext(name)[1].lower() in IMAGE_EXTENSIONS for name in names):
        contents = (
            gettext("It contains %(names)s.") % {"names": format_names(names[:3])} if names else gettext("It is empty.")
        )
        raise make_archive_error(
            gettext("The archive contains no images. %(contents)s") % {"contents": contents}, code="no-images"
        )
    if all(member.info.flag_bits & ENCRYPTED_FLAG for member in members):
        raise make_archive_error(gettext("The archive is encrypted. Create it without a password."), code="encrypted")


def _check_overlaps(infos: Sequence[zipfile.ZipInfo]) -> None:
    """Check that no two members share data, as in archives made to expand without limit.

    See D. Fifield, "A better zip bomb" (WOOT 2019).
    """
    end = 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        if info.header_offset < end:
            raise make_archive_error(gettext("Files in the archive overlap. Create the archive again."), code="archive-bomb")
        end = info.header_offset + LOCAL_HEADER_BYTES + info.compress_size
