"""Transactions of rows with files: a file is written before its row, and removed if the row is certainly not stored."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from django.db import DEFAULT_DB_ALIAS, IntegrityError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.fields.files import FieldFile

logger = logging.getLogger(__name__)

# Results of a COMMIT of SQLite after which nothing is stored. A failed fsync (SQLITE_IOERR_FSYNC) is not among them: the
# transaction may be complete in the write-ahead log, and is then found after a crash.
SQLITE_ROLLED_BACK = (
    "SQLITE_FULL",
    "SQLITE_CONSTRAINT",
    "SQLITE_BUSY",
    "SQLITE_READONLY",
    "SQLITE_IOERR_WRITE",
    "SQLITE_NOMEM",
)
# Classes of SQLSTATE after which the outcome of a COMMIT of PostgreSQL is unknown: lost connections, shutdown, and failures
# of the server itself. All others, such as 53 (no disk space) and 40 (serialization), are reported after a rollback.
POSTGRESQL_UNKNOWN = ("08", "57", "58", "XX", "F0")


def is_rolled_back(error: BaseException, database: BaseDatabaseWrapper) -> bool:
    """Return whether a COMMIT that has failed with an error has certainly stored nothing."""
    if isinstance(error, IntegrityError):  # foreign keys are checked at COMMIT
        return True
    cause = error.__cause__
    if isinstance(cause, sqlite3.Error):
        return getattr(cause, "sqlite_errorname", "").startswith(SQLITE_ROLLED_BACK)
    sqlstate = getattr(cause, "pgcode", None)
    is_lost = database.connection is None or bool(getattr(database.connection, "closed", True))
    return bool(sqlstate) and not str(sqlstate).startswith(POSTGRESQL_UNKNOWN) and not is_lost


@contextmanager
def atomic_with_files(get_files: Callable[[], Iterable[FieldFile]]) -> Iterator[None]:
    """Run a block in a transaction. If it is certainly not committed, remove files that were written for it.

    If the outcome of the COMMIT is unknown, the files stay, because a row must never be without its file. Files that have no
    row then are removed by `sweep_media`.

    Args:
        get_files: returns the files. They have names only after they were stored.
    """
    database = connections[DEFAULT_DB_ALIAS]
    is_committing = False
    try:
        with transaction.atomic():
            yield
            is_committing = True
    except BaseException as error:
        if not is_committing or database.in_atomic_block or is_rolled_back(error, database):
            remove_field_files(get_files())
        raise


def remove_field_files(files: Iterable[FieldFile]) -> None:
    """Remove files whose rows are not stored. `sweep_media` removes those that cannot be removed now."""
    for file in files:
        if not file:
            continue
        try:
            file.delete(save=False)
        except OSError as error:
            logger.warning("file not removed", extra={"path": file.name, "reason": error.strerror})
