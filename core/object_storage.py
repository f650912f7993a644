"""A file storage in a bucket of an S3-compatible object storage. docs/object-storage.md describes what it guarantees."""

from __future__ import annotations

import errno
import hashlib
import io
import threading
from base64 import b64encode
from collections.abc import Iterator, Sequence
from concurrent.futures import wait
from contextlib import suppress
from functools import cached_property
from typing import IO, Any, cast

from botocore.exceptions import ClientError
from django.conf import settings
from django.core.files.base import File
from django.utils.deconstruct import deconstructible
from storages.backends.s3 import S3Storage
from storages.utils import clean_name

from core.object_reader import ObjectReader
from core.s3 import build_config, get_error_code, translate_s3_errors
from core.storage import DurableFileSystemStorage, get_writers, remove_files
from core.storage_errors import StorageUnavailable
from core.stored_files import StoredFile

LISTED_PER_REQUEST = 1000
CHANGED_REASON = "The object storage did not store the file as it was sent."


@deconstructible(path="core.object_storage.ObjectStorage")
class ObjectStorage(S3Storage):
    """Store each file as a private object, and return after the object storage has confirmed its SHA-256.

    Objects are never overwritten. Files that are still being received are in `scratch`, on the disk of this machine.
    """

    is_remote = True

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._connection: Any = None
        self._connection_lock = threading.Lock()

    def get_default_settings(self) -> dict[str, Any]:
        """Return the defaults of django-storages with the settings of mlsite."""
        return super().get_default_settings() | {
            "bucket_name": settings.S3_BUCKET,
            "location": settings.S3_PREFIX.strip("/"),
            "endpoint_url": settings.S3_ENDPOINT_URL or None,
            "region_name": settings.S3_REGION or None,
            "client_config": build_config(),
            "file_overwrite": False,
            "querystring_expire": settings.S3_URL_SECONDS,
        }

    @property
    def connection(self) -> Any:
        """One connection for all threads, which only use its client: that of django-storages takes 0.1 s in each thread."""
        with self._connection_lock:
            if self._connection is None:
                self._connection = super().connection
        return self._connection

    @cached_property
    def scratch(self) -> DurableFileSystemStorage:
        """The storage on this machine with the temporary files."""
        return DurableFileSystemStorage()

    def save_bytes(self, name: str, data: bytes) -> str:
        """Store a new object, and return its name.

        Raises:
            StorageUnavailable: nothing is stored, or an object that `sweep_media` deletes.
        """
        return self._put(name, io.BytesIO(data), hashlib.sha256(data).digest())

    def save_all(self, files: Sequence[tuple[str, bytes]]) -> list[str]:
        """Store new objects as `save_bytes` does, in several threads, and return their names.

        If one of them cannot be stored, the others are removed.
        """
        futures = [get_writers().submit(self.save_bytes, name, data) for name, data in files]
        try:
            wait(futures)
            return [future.result() for future in futures]
        except BaseException:
            for (name, _), future in zip(files, futures, strict=True):
                if not future.cancel() and future.exception() is None:
                    with suppress(StorageUnavailable):  # otherwise, `sweep_media` deletes it
                        self.delete(name)
            raise

    def open_temporary_file(self) -> tuple[int, str]:
        """Create a file on this machine, and return its descriptor and its path. `adopt_file` stores it."""
        return self.scratch.open_temporary_file()

    def adopt_file(self, name: str, descriptor: int, path: str, *, sha256: str) -> str:
        """Store a complete file of `open_temporary_file` as an object, and delete it. Return the name.

        Args:
            sha256: of the content, in hexadecimal.

        Raises:
            StorageUnavailable: nothing is stored, or an object that `sweep_media` deletes. The temporary file remains.
        """
        with open(path, "rb") as body:  # the descriptor keeps its position
            self._put(name, body, bytes.fromhex(sha256))
        remove_files([path])
        return name

    def iterate_files(self, folder: str, *, page_size: int = LISTED_PER_REQUEST) -> Iterator[StoredFile]:
        """Yield all files below a folder in the order of their names. A request lists `page_size` of them."""
        prefix = self._normalize_name(clean_name(folder)) + "/"
        start = len(prefix) - len(clean_name(folder)) - 1
        options: dict[str, Any] = {"Bucket": self.bucket_name, "Prefix": prefix, "MaxKeys": page_size}
        while True:
            with translate_s3_errors():
                response = self._client.list_objects_v2(**options)
            # Without the response, which takes ten times the memory while the caller uses the files.
            rows = response.get("Contents", ())
            files = [StoredFile(row["Key"][start:], row["Size"], row["LastModified"]) for row in rows]
            options["ContinuationToken"] = response.get("NextContinuationToken")
            del response, rows
            yield from files
            if not options["ContinuationToken"]:
                return

    def exists(self, name: str) -> bool:
        with translate_s3_errors():
            return bool(super().exists(name))

    def size(self, name: str) -> int:
        with translate_s3_errors(name):
            return int(self._client.head_object(**self._get_target(name))["ContentLength"])

    def delete(self, name: str) -> None:
        with translate_s3_errors(name):
            self._client.delete_object(**self._get_target(name))

    def _open(self, name: str, mode: str = "rb") -> File:
        if mode != "rb":
            raise ValueError("Objects are only read.")
        target = self._get_target(name)
        return File(io.BufferedReader(ObjectReader(self._client, target["Bucket"], target["Key"])), name)

    def _save(self, name: str, content: File) -> str:
        digest = hashlib.sha256()
        for chunk in content.chunks():
            digest.update(chunk)
        content.seek(0)
        return self._put(name, cast(IO[bytes], content.file), digest.digest())

    def _put(self, name: str, body: IO[bytes], sha256: bytes) -> str:
        """Store an object, and compare the SHA-256 that the object storage returns.

        If an object with the name exists, it must have the same content: botocore has repeated a request whose response was
        lost. Names contain a UUID.
        """
        target, checksum = self._get_target(name), b64encode(sha256).decode()
        options = {"IfNoneMatch": "*"} if settings.S3_CONDITIONAL_WRITES else {}
        with translate_s3_errors():
            try:
                response = self._client.put_object(
                    **target,
                    **options,
                    **self._get_write_parameters(name),
                    Body=body,
                    ChecksumAlgorithm="SHA256",
                    ChecksumSHA256=checksum,
                )
            except ClientError as error:
                if get_error_code(error) != "PreconditionFailed":
                    raise
                response = self._client.head_object(**target, ChecksumMode="ENABLED")
        if not _is_confirmed(response, body, checksum):
            raise StorageUnavailable(errno.EIO, CHANGED_REASON)
        return name

    def _get_target(self, name: str) -> dict[str, str]:
        return {"Bucket": self.bucket_name, "Key": self._normalize_name(clean_name(name))}

    @property
    def _client(self) -> Any:
        return self.connection.meta.client


def _is_confirmed(response: dict[str, Any], body: IO[bytes], checksum: str) -> bool:
    """Return whether a response names the SHA-256 of the content or, without it, the MD5, which is the ETag of an object."""
    if stored := response.get("ChecksumSHA256"):
        return bool(stored == checksum)
    body.seek(0)
    md5 = hashlib.file_digest(body, lambda: hashlib.md5(usedforsecurity=False))  # type: ignore[arg-type]
    return str(response.get("ETag", "")).strip('"') == md5.hexdigest()
