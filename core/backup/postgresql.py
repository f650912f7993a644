"""Dump and restore a PostgreSQL database with its own programs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from psycopg2.extensions import make_dsn

from core.backup.errors import BackupError
from core.private_files import FILE_MODE

NAME = "database-{stamp}.dump"
PASSWORD_OPTIONS = ("password", "sslpassword")
INSTALLED = Path("/usr/lib/postgresql")  # where Debian installs several versions


def dump(path: Path) -> tuple[dict[str, int], dict[str, str]]:
    """Write a snapshot in the custom format. Return the row counts of the same snapshot, and the versions.

    Raises:
        BackupError: pg_dump is missing, too old, or fails.
    """
    server = get_server_version()
    program, version = find_program("pg_dump", server)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")  # while pg_dump runs
        cursor.execute("SELECT pg_export_snapshot()")
        (snapshot,) = cursor.fetchone()
        run(program, "--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}", f"--file={path}")
        path.chmod(FILE_MODE)
        counts = {}
        for table in sorted(connection.introspection.table_names(cursor)):
            cursor.execute(f"SELECT count(*) FROM {connection.ops.quote_name(table)}")  # noqa: S608  a quoted name
            counts[table] = cursor.fetchone()[0]
    return counts, {"server": str(server), "pg_dump": version}


def check_restore(path: Path) -> None:
    """Check that pg_restore is installed and can read a dump.

    Raises:
        BackupError: it is not, or cannot.
    """
    program, _ = find_program("pg_restore", get_server_version())
    run(program, "--list", str(path), is_connected=False)


def restore(path: Path) -> None:
    """Replace the tables of the database with those of a dump. Call `check_restore` first.

    Raises:
        BackupError: pg_restore fails. Then the database is empty.
    """
    program, _ = find_program("pg_restore", get_server_version())
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    connection.close()
    run(
        program, "--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges", "--dbname", get_dsn(), str(path)
    )


def get_server_version() -> int:
    """Return the major version of the server."""
    database: Any = connection
    return int(database.pg_version) // 10000


def find_program(name: str, server: int) -> tuple[str, str]:
    """Return the path and the version of a program of PostgreSQL that is not older than the server.

    Raises:
        BackupError: there is none.
    """
    paths = [shutil.which(name), *sorted(map(str, INSTALLED.glob(f"*/bin/{name}")), reverse=True)]
    versions = {path: _read_version(path) for path in dict.fromkeys(paths) if path}
    for path, version in versions.items():
        if int(version.partition(".")[0]) >= server:
            return path, version
    found = f"Found: {', '.join(versions.values())}." if versions else f"{name} was not found."
    hint = (
        f"Install the client programs of PostgreSQL {server} or later, for example the package postgresql-client-{server}."
    )
    raise BackupError(f"{name} {server} or later is required. {found} {hint}")


def _read_version(path: str) -> str:
    output = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603  no shell
    match = re.search(r"(\d+(\.\d+)*)", output)
    return match[1] if match else "0"


def get_dsn() -> str:
    """Return the connection string without passwords, which other users of the machine could see in a list of processes."""
    params = _get_params()
    return str(make_dsn(**{key: value for key, value in params.items() if key not in PASSWORD_OPTIONS}))


def _get_params() -> dict[str, Any]:
    params = connection.get_connection_params()
    return {key: value for key, value in params.items() if not key.endswith("_factory")}


def run(program: str, *arguments: str, is_connected: bool = True) -> None:
    """Run a program of PostgreSQL with the database of the settings.

    Raises:
        BackupError: it fails. The message contains its own.
    """
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PG") or key == "PGPASSFILE"}
    environment["LC_ALL"] = "C.UTF-8"
    command = [program, *arguments]
    if is_connected:
        if password := _get_params().get("password"):
            environment["PGPASSWORD"] = password
        if "--dbname" not in arguments:
            command += ["--no-password", "--dbname", get_dsn()]
    process = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603  no shell
    if process.returncode:
        raise BackupError(f"{Path(program).name} failed: {process.stderr.strip()[-1000:]}")
