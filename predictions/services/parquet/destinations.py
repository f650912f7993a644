"""Where an export is written: a folder, or a bucket of an object storage. Each file is complete, or does not exist."""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from core.private_files import FILE_MODE, FOLDER_MODE

LOCK = "_export.lock"
TEMPORARY_SUFFIX = ".tmp"


class ExportError(Exception):
    """The export cannot run. The message states what to do."""


class Destination(Protocol):
    """A place for files. Names have the separator `/`."""

    def lock(self) -> Any:
        """Return a context manager that other exports to this destination cannot enter."""

    def read(self, name: str) -> bytes | None:
        """Return a file; None if it does not exist."""

    def write(self, name: str, data: bytes) -> None:
        """Create or replace a file durably. Readers see the old file or the complete new one."""

    def delete(self, name: str) -> None:
        """Delete a file, if it exists."""


def open_destination(location: str) -> Destination:
    """Return the folder, or the bucket of a URL such as `s3://bucket/prefix`.

    Raises:
        ExportError: the URL is invalid, or boto3 is not installed.
    """
    url = urlsplit(location)
    if url.scheme != "s3":
        return FolderDestination(Path(location))
    if not url.netloc or url.query or url.fragment:
        raise ExportError(f"Expected a URL such as s3://bucket/prefix. Received: {location}")
    try:
        return BucketDestination(url.netloc, url.path.strip("/"))
    except ImportError as error:
        raise ExportError("boto3 is not installed. Run make install-s3.") from error


class FolderDestination:
    """A folder on disk. Only its owner can read the files, which contain personal data."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def lock(self) -> Iterator[None]:
        self._folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        with (self._folder / LOCK).open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise ExportError(f"Another export is writing to {self._folder}. Wait for it.") from error
            yield

    def read(self, name: str) -> bytes | None:
        with suppress(FileNotFoundError):
            return (self._folder / name).read_bytes()
        return None

    def write(self, name: str, data: bytes) -> None:
        path = self._folder / name
        path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        temporary = path.with_name(path.name + TEMPORARY_SUFFIX)
        with open(temporary, "wb", opener=lambda name, flags: os.open(name, flags, FILE_MODE)) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
        descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def delete(self, name: str) -> None:
        path = self._folder / name
        for found in (path, path.with_name(path.name + TEMPORARY_SUFFIX)):
            found.unlink(missing_ok=True)


class BucketDestination:
    """A bucket. It has no locks: the operator must not run two exports to it."""

    def __init__(self, bucket: str, prefix: str) -> None:
        from core.s3 import build_client, translate_s3_errors

        self._client, self._translate_errors = build_client(), translate_s3_errors
        self._bucket, self._prefix = bucket, f"{prefix}/" if prefix else ""

    @contextmanager
    def lock(self) -> Iterator[None]:
        yield

    def read(self, name: str) -> bytes | None:
        try:
            with self._translate_errors():
                data: bytes = self._client.get_object(**self._get_target(name))["Body"].read()
        except FileNotFoundError:
            return None
        return data

    def write(self, name: str, data: bytes) -> None:
        checksum = b64encode(hashlib.sha256(data).digest()).decode()
        with self._translate_errors():
            self._client.put_object(
                **self._get_target(name), Body=io.BytesIO(data), ChecksumAlgorithm="SHA256", ChecksumSHA256=checksum
            )

    def delete(self, name: str) -> None:
        with self._translate_errors():
            self._client.delete_object(**self._get_target(name))

    def _get_target(self, name: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": f"{self._prefix}{name}"}
