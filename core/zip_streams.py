"""Write a ZIP archive to a response, member by member. Memory use does not depend on the number or the size of members.

`zipfile` keeps a record of each member until the end: 500 MB for 1,000,000 images. This module keeps them in a file.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Any, cast
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from django.utils import timezone

MAX_MEMORY_BYTES = 2**20  # then temporary files are used
CHUNK_BYTES = 64 * 1024
FIELDS = (
    "filename", "date_time", "compress_type", "create_version", "extract_version", "flag_bits", "external_attr",
    "header_offset", "CRC", "compress_size", "file_size",
)  # fmt: skip


class ZipStream(AbstractContextManager["ZipStream"]):
    """A ZIP archive. Each method yields the bytes that are ready, which the caller must send.

    It is a context manager, which deletes the temporary files in the end.
    """

    def __init__(self) -> None:
        self._output, self._members = _Output(), _Members()
        self._archive = ZipFile(cast(Any, self._output), "w")
        self._archive.filelist = cast(list[ZipInfo], self._members)

    def __exit__(self, *args: object) -> None:
        self._archive.close()
        self._output.close()
        self._members.close()

    def write(
        self, name: str, parts: Iterable[bytes], *, is_compressed: bool = True, is_zip64: bool = True
    ) -> Iterator[bytes]:
        """Add a member from its parts, in memory for one part at most.

        Args:
            is_compressed: compress the member; false for images, which are compressed already.
            is_zip64: allow more than 2 GiB. Excel cannot open a workbook whose members have this form.

        Raises:
            RuntimeError: the member has more than 2 GiB, and `is_zip64` is false.
        """
        member = ZipInfo(name, timezone.now().timetuple()[:6])
        member.compress_type = ZIP_DEFLATED if is_compressed else ZIP_STORED
        with self._archive.open(member, "w", force_zip64=is_zip64) as file:
            for part in parts:
                file.write(part)
                yield from self._output.take()
        self._archive.NameToInfo.clear()
        yield from self._output.take()

    def finish(self) -> Iterator[bytes]:
        """Add the table of contents."""
        self._archive.close()
        yield from self._output.take()


class _Output:
    """A file that `zipfile` writes to. It is not seekable, and its content can be removed."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(MAX_MEMORY_BYTES)  # noqa: SIM115  it lives as long as this object

    def write(self, data: bytes) -> int:
        return self._file.write(data)

    def flush(self) -> None:
        """Do nothing: the caller takes the data."""

    def close(self) -> None:
        self._file.close()

    def take(self) -> Iterator[bytes]:
        self._file.seek(0)
        while data := self._file.read(CHUNK_BYTES):
            yield data
        self._file.seek(0)
        self._file.truncate()


class _Members:
    """The records of all members, in a temporary file until `close`. It has the methods of a list that `zipfile` needs."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(MAX_MEMORY_BYTES, "w+", encoding="utf-8")  # noqa: SIM115
        self._count = 0

    def append(self, member: ZipInfo) -> None:
        self._file.write(json.dumps([getattr(member, name) for name in FIELDS]) + "\n")
        self._count += 1

    def close(self) -> None:
        self._file.close()

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[ZipInfo]:
        self._file.seek(0)
        for line in self._file:
            member = ZipInfo()
            for name, value in zip(FIELDS, json.loads(line), strict=True):
                setattr(member, name, value)
            yield member
