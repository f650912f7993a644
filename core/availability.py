"""Whether the database can be written to, and whether the object storage responds."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

from django.conf import settings
from django.db import (
    DEFAULT_DB_ALIAS,
    DatabaseError,
    InterfaceError,
    OperationalError,
    ProgrammingError,
    connections,
    transaction,
)
from django.db.backends.base.base import BaseDatabaseWrapper

from core.storage_errors import StorageUnavailable

OK_SECONDS = 5.0  # that a successful check is valid
FAILED_SECONDS = 1.0  # that a failed one is valid
BUCKET_SECONDS = 1.0  # in which the object storage must connect, and respond
MIN_FREE_BYTES = 2**20  # for the file of SQLite and its write-ahead log
# The transaction ID makes COMMIT write to the write-ahead log, and wait for the disk. The rows exceed the memory of the
# statement, so that PostgreSQL writes them to a temporary file: on a full disk, a small row could still have room.
POSTGRESQL_CHECK = """
    SET LOCAL work_mem = '64kB';
    SELECT current_setting('transaction_read_only')::boolean, pg_current_xact_id(),
        (SELECT count(*) FROM generate_series(1, 10000))
"""


def is_schema_error(error: Exception) -> bool:
    """Return whether a table or a column does not exist, because migrations are not applied."""
    return isinstance(error, ProgrammingError) or str(error).startswith("no such ")


class AvailabilityCheck:
    """Check whether another program is available, at most every few seconds for all threads.

    Args:
        check: raises one of the `errors` if it is not.
    """

    def __init__(self, check: Callable[[], None], errors: tuple[type[Exception], ...]) -> None:
        self._check_now, self._errors = check, errors
        self._lock = threading.Lock()
        self._error: Exception | None = None
        self._expires = 0.0

    def run(self) -> None:
        """Raise the error of the last check, or check again if that was some time ago."""
        # Only one thread checks. The others use the last result.
        if monotonic() >= self._expires and self._lock.acquire(blocking=False):
            try:
                self._check()
            finally:
                self._lock.release()
        if self._error is not None:
            raise self._error

    def _check(self) -> None:
        try:
            self._check_now()
            self._error = None
        except self._errors as error:
            self._error = error.with_traceback(None)
        self._expires = monotonic() + (FAILED_SECONDS if self._error else OK_SECONDS)


class WriteCheck(AvailabilityCheck):
    """Check whether the database can be written to.

    `run` raises a `DatabaseError` or an `InterfaceError` if it is read-only, full, or does not respond.
    """

    def __init__(self) -> None:
        super().__init__(lambda: _write(connections[DEFAULT_DB_ALIAS]), (DatabaseError, InterfaceError))


class BucketCheck(AvailabilityCheck):
    """Check whether the bucket of the stored files is available. `run` raises a `StorageUnavailable` if it is not."""

    def __init__(self) -> None:
        super().__init__(self._list_bucket, (StorageUnavailable,))
        self._client: Any = None

    def _list_bucket(self) -> None:
        """List one object, in less time than probes wait."""
        from core.s3 import build_client, translate_s3_errors

        self._client = self._client or build_client(timeout=BUCKET_SECONDS, max_attempts=1)
        with translate_s3_errors():
            self._client.list_objects_v2(Bucket=settings.S3_BUCKET, MaxKeys=1)


def _write(database: BaseDatabaseWrapper) -> None:
    """Write to the disk of the database without changing a row."""
    with transaction.atomic(), database.cursor() as cursor:
        if database.vendor == "postgresql":
            cursor.execute(POSTGRESQL_CHECK)
            if cursor.fetchone()[0]:
                raise OperationalError("The database is read-only.")
            return
        cursor.execute("PRAGMA user_version")
        (version,) = cursor.fetchone()
        cursor.execute(f"PRAGMA user_version = {version}")
    status = os.statvfs(Path(database.settings_dict["NAME"]).parent)
    if status.f_bavail * status.f_frsize < MIN_FREE_BYTES:
        raise OperationalError("The disk of the database is full.")


write_check = WriteCheck()
bucket_check = BucketCheck()
