"""Settings of the database connections."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

SHARED_SETTINGS = {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True, "ATOMIC_REQUESTS": False}
SQLITE_OPTIONS = {
    # IMMEDIATE takes the write lock at BEGIN, where SQLite waits for it. It does not wait when a transaction that has read
    # starts to write. synchronous=FULL syncs the write-ahead log at each commit.
    "transaction_mode": "IMMEDIATE",
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
}
# core/postgresql limits the statements. These options limit the connection itself: opening it, and a network that is silent.
POSTGRESQL_OPTIONS = {
    "connect_timeout": 2,  # seconds for each address of the host
    "tcp_user_timeout": 10_000,  # milliseconds
    "keepalives_idle": 10,  # seconds
    "keepalives_interval": 5,
    "keepalives_count": 3,
}


def build_database(parsed: dict[str, Any], *, folder: Path) -> dict[str, Any]:
    """Return the settings of the database, and create the folder of an SQLite file.

    Args:
        parsed: the value of DATABASE_URL as Django settings. Its options take precedence.
        folder: in which the relative path of an SQLite file starts.

    Raises:
        ImproperlyConfigured: the folder of an SQLite file cannot be created.
    """
    database = parsed | SHARED_SETTINGS
    if database["ENGINE"].endswith("sqlite3"):
        if database["NAME"] != ":memory:":
            database["NAME"] = str(folder / database["NAME"])
            _create_folder(Path(database["NAME"]).parent)
        return database | {"ENGINE": "core.sqlite3", "OPTIONS": dict(SQLITE_OPTIONS)}
    return database | {"ENGINE": "core.postgresql", "OPTIONS": POSTGRESQL_OPTIONS | database.get("OPTIONS", {})}


def _create_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(f"The folder of the SQLite database cannot be created, see VAR_DIR: {error}") from error
