"""Whether the database can be written to."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from time import monotonic

from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, OperationalError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

OK_SECONDS = 5.0  # that a successful check is valid
FAILED_SECONDS = 1.0  # that a failed one is valid
MIN_FREE_BYTES = 2**20  # for the file of SQLite and its write-ahead log
# The transaction ID makes COMMIT write to the write-ahead log, and wait for the disk. The rows exceed the memory of the
# statement, so that PostgreSQL writes them to a temporary file: on a full disk, a small row could still have room.
POSTGRESQL_CHECK = """
    SET LOCAL work_mem = '64kB';
    SELECT current_setting('transaction_read_only')::boolean, pg_current_xact_id(),
        (SELECT count(*) FROM generate_series(1, 10000))
"""


class WriteCheck:
    """Check whether the database can be written to, at most every few seconds for all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._error: Exception | None = None
        self._expires = 0.0

    def run(self) -> None:
        """Raise the error of the last check, or check again if that was some time ago.

        Raises:
            DatabaseError, InterfaceError: the database is read-only, full, or does not respond.
        """
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
            _write(connections[DEFAULT_DB_ALIAS])
            self._error = None
        except (DatabaseError, InterfaceError) as error:
            self._error = error.with_traceback(None)
        self._expires = monotonic() + (FAILED_SECONDS if self._error else OK_SECONDS)


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
