"""Clients of S3-compatible object storages, and their errors. Needs requirements-s3.txt."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.utils.translation import gettext_noop

from core.storage_errors import StorageFull, StorageUnavailable

CONNECT_SECONDS = 2.0
MAX_CONNECTIONS = 32  # more than the threads of a process
MAX_ATTEMPTS = 2  # of each call. A client of mlsite repeats a request with the status 503 later.

MISSING_CODES = {"NoSuchKey", "404", "NotFound"}
FULL_CODES = {"QuotaExceeded", "InsufficientStorage", "XMinioStorageFull", "507"}
ACCESS_STATUSES = {401, 403}
UNAVAILABLE_REASON = gettext_noop("The object storage for stored files is not available.")
ACCESS_REASON = gettext_noop("The server has no access to the object storage for stored files.")
BUCKET_REASON = gettext_noop("The bucket for stored files is missing.")
FULL_REASON = gettext_noop("No space is left in the object storage for stored files.")


def build_config(*, timeout: float | None = None, max_attempts: int = MAX_ATTEMPTS) -> Config:
    """Return the configuration of a client whose calls end.

    Args:
        timeout: seconds without a byte after which an attempt fails; by default S3_TIMEOUT.
    """
    return Config(
        connect_timeout=min(CONNECT_SECONDS, timeout or CONNECT_SECONDS),
        read_timeout=timeout or settings.S3_TIMEOUT,
        retries={"total_max_attempts": max_attempts, "mode": "standard"},
        max_pool_connections=MAX_CONNECTIONS,
        signature_version="s3v4",
        # Sign the SHA-256 of the content, also with HTTPS. Servers that ignore `x-amz-checksum-sha256` compare this one.
        s3={"payload_signing_enabled": True},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )


def build_client(*, timeout: float | None = None, max_attempts: int = MAX_ATTEMPTS) -> Any:
    """Return a client of S3_ENDPOINT_URL, or of AWS. It finds the keys in the usual places, such as AWS_ACCESS_KEY_ID.

    Threads can share it. It takes 0.1 s of CPU time.
    """
    return boto3.Session().client(
        "s3",
        endpoint_url=settings.S3_ENDPOINT_URL or None,
        region_name=settings.S3_REGION or None,
        config=build_config(timeout=timeout, max_attempts=max_attempts),
    )


@contextmanager
def translate_s3_errors(name: str = "") -> Iterator[None]:
    """Raise the errors that file storages raise.

    Raises:
        FileNotFoundError: the object does not exist.
        StorageFull: a quota is reached.
        StorageUnavailable: the storage does not respond, or rejects the request.
    """
    try:
        yield
    except ClientError as error:
        raise build_s3_error(error, name) from error
    except BotoCoreError as error:  # for example timeouts and missing keys of access
        raise StorageUnavailable(errno.EIO, UNAVAILABLE_REASON) from error


def build_s3_error(error: ClientError, name: str = "") -> OSError:
    """Return the error of a file storage for a response of an object storage."""
    code, status = get_error_code(error), error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    if code in MISSING_CODES:
        return FileNotFoundError(errno.ENOENT, "The object does not exist.", name)
    if code == "NoSuchBucket":
        return StorageUnavailable(errno.ENOENT, BUCKET_REASON)
    if code in FULL_CODES or status == 507:
        return StorageFull(errno.ENOSPC, FULL_REASON)
    if status in ACCESS_STATUSES:
        return StorageUnavailable(errno.EACCES, ACCESS_REASON)
    return StorageUnavailable(errno.EIO, UNAVAILABLE_REASON)


def get_error_code(error: ClientError) -> str:
    """Return the code of a response, for example `NoSuchKey`."""
    return str(error.response.get("Error", {}).get("Code", ""))
