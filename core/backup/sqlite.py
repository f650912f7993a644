"""Copy and restore an SQLite database."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from django.db import DatabaseError, connection

from core.backup.errors import BackupError
from core.backup.files import copy_file, sync
from core.private_files import FILE_MODE

NAME = "database-{stamp}.sqlite3"


def dump(path: Path) -> tuple[dict[str, int], dict[str, str]]:
    """Write a snapshot while the server may be writing. Return its row counts, and the versions.

    Raises:
        BackupError: SQLite cannot write it, for example because the disk is full.
    """
    try:
        with connection.cursor() as cursor:
            cursor.execute("VACUUM INTO %s", [str(path)])
    except DatabaseError as error:
        raise BackupError(f"SQLite cannot write {path}: {error}. Check the free space and the permissions.") from error
    path.chmod(FILE_MODE)
    return _check(path), {"sqlite": sqlite3.sqlite_version}


def check_restore(path: Path) -> None:
    """Check that a snapshot is intact.

    Raises:
        BackupError: it is not.
    """
    _check(path)


def restore(path: Path) -> None:
    """Replace the database file. The server must not be running.

    Raises:
        OSError: the file cannot be written. The database is unchanged then.
    """
    connection.close()
    target = Path(connection.settings_dict["NAME"])
    complete = target.with_name(f"{target.name}.restored")
    copy_file(path, complete)
    sync()
    # The write-ahead log belongs to the old file. SQLite would apply it to the new one.
    for suffix in ("-wal", "-shm"):
        target.with_name(f"{target.name}{suffix}").unlink(missing_ok=True)
    complete.rename(target)
    sync()


def _check(path: Path) -> dict[str, int]:
    """Check the structure of a database file, and return its row counts."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            (result,) = database.execute("PRAGMA integrity_check").fetchone()
            if result != "ok":
                raise BackupError(f"{path} is damaged: {result}")
            tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
            names = sorted(name for (name,) in tables)
            quoted = ((name, name.replace('"', '""')) for name in names)
            return {name: database.execute(f'SELECT count(*) FROM "{quote}"').fetchone()[0] for name, quote in quoted}  # noqa: S608
    except sqlite3.Error as error:
        raise BackupError(f"{path} is damaged: {error}") from error
