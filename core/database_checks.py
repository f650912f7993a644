"""System checks of the database server. They connect to it, so they only run with `check --deploy`."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Error, Warning, register
from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from core.availability import write_check

POSTGRESQL_SETTINGS = {
    "fsync": ("core.E011", "A crash of the machine can destroy the database. Set fsync = on in postgresql.conf."),
    "full_page_writes": ("core.E012", "A power failure can destroy pages. Set full_page_writes = on in postgresql.conf."),
    "synchronous_commit": (
        "core.E013",
        "A crash can lose predictions that were acknowledged. Set synchronous_commit = on in postgresql.conf, or with "
        "ALTER ROLE.",
    ),
}
MAX_CLOCK_SECONDS = 5  # that the clocks of this machine and of the database server may differ
SQLITE_SYNCHRONOUS_FULL = 2
SQLITE_JOURNAL_MODES = ("wal", "delete", "truncate", "persist")  # the others do not survive a crash


@register(deploy=True)
def check_database(**options: Any) -> list[CheckMessage]:
    """Check that the database can be written to, and that a commit survives a crash of the machine."""
    try:
        with connection.cursor() as cursor:
            errors = _check_postgresql(cursor) if connection.vendor == "postgresql" else _check_sqlite(cursor)
    except (DatabaseError, InterfaceError) as error:
        hint = "Check DATABASE_URL, and start the database."
        return [Error(f"The database does not respond: {_join_lines(error)}", hint=hint, id="core.E010")]
    try:
        write_check.run()
    except (DatabaseError, InterfaceError) as error:
        hint = "Connect to a server that is not a standby, and check the free space and the permissions of its disk."
        errors.append(Error(f"The database cannot be written to: {_join_lines(error)}", hint=hint, id="core.E016"))
    return errors


@register(deploy=True)
def check_migrations(**options: Any) -> list[CheckMessage]:
    """Check that all migrations are applied. If the database does not respond, `check_database` reports it."""
    try:
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except (DatabaseError, InterfaceError):
        return []
    if not plan:
        return []
    message = f"Migrations are not applied: {len(plan)}. The first one is {plan[0][0]}."
    return [Error(message, hint="Run: manage.py migrate", id="core.E025")]


def _check_postgresql(cursor: Any) -> list[CheckMessage]:
    errors: list[CheckMessage] = []
    for name, (check_id, hint) in POSTGRESQL_SETTINGS.items():
        cursor.execute("SELECT current_setting(%s)", [name])
        if cursor.fetchone()[0] == "off":
            errors.append(Error(f"The PostgreSQL setting {name} is off.", hint=hint, id=check_id))
    cursor.execute("SELECT clock_timestamp()")
    seconds = (timezone.now() - cursor.fetchone()[0]).total_seconds()
    if abs(seconds) > MAX_CLOCK_SECONDS:
        kind = "ahead of" if seconds > 0 else "behind"
        message = f"The clock of this machine is {abs(seconds):.0f} seconds {kind} that of the database server."
        errors.append(Warning(message, hint="Synchronize all machines with NTP.", id="core.W012"))
    return errors


def _check_sqlite(cursor: Any) -> list[CheckMessage]:
    errors: list[CheckMessage] = []
    hint = "Do not change the options of the database in mlsite/database_settings.py."
    cursor.execute("PRAGMA synchronous")
    if cursor.fetchone()[0] < SQLITE_SYNCHRONOUS_FULL:
        message = "SQLite does not sync each commit (PRAGMA synchronous)."
        errors.append(Error(message, hint=hint, id="core.E014"))
    cursor.execute("PRAGMA journal_mode")
    mode = cursor.fetchone()[0].lower()
    if mode not in SQLITE_JOURNAL_MODES:
        message = f"A crash can destroy the SQLite database (PRAGMA journal_mode is {mode})."
        errors.append(Error(message, hint=hint, id="core.E015"))
    elif mode != "wal":
        message = f"SQLite blocks readers during each commit (PRAGMA journal_mode is {mode}, not wal)."
        errors.append(Warning(message, hint="Move the file to a local disk.", id="core.W010"))
    return errors


def _join_lines(error: Exception) -> str:
    return " ".join(str(error).split())
