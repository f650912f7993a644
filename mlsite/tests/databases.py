"""Fixtures that provide and empty the test database with less CPU than those of pytest-django, which they replace."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from core.tests.waiting import wait_until
from mlsite.tests.site import BOOTSTRAP_SECONDS, BOOTSTRAPPED_SITE


@pytest.fixture(scope="session")
def django_db_keepdb(django_db_keepdb: bool) -> bool:
    """Keep the migrated database that `django_db_modify_db_settings` provides. It is deleted with its folder or server."""
    return django_db_keepdb or bool(BOOTSTRAPPED_SITE)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings) -> None:
    """Let `make test` migrate one database for all processes, because the migrations take 8 seconds of CPU."""
    from django.db import connection

    if not BOOTSTRAPPED_SITE:
        return
    path = Path(BOOTSTRAPPED_SITE, "migrated")
    wait_until(path.exists, BOOTSTRAP_SECONDS)
    migrated = urlsplit(path.read_text())
    if connection.vendor == "sqlite":
        shutil.copy(migrated.path[1:], connection.settings_dict["TEST"]["NAME"])
    else:
        connection.settings_dict["TEST"]["TEMPLATE"] = migrated.path[1:]


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker) -> Iterator[None]:
    """Change how the database is emptied after a test with `transaction=True`.

    - Store the first rows again. Signals would create them again, except the groups, with 130 instead of 10 ms of CPU.
    - On the PostgreSQL server of `make test`, delete rows. TRUNCATE of all tables takes 50 instead of 2 ms of CPU.
    """
    from django.contrib.auth.models import Group, Permission
    from django.contrib.contenttypes.models import ContentType
    from django.core.management.commands import flush
    from django.db import connection

    from monitoring.models import AlertRule

    with django_db_blocker.unblock():
        models: tuple[Any, ...] = (ContentType, Permission, Group, Group.permissions.through, AlertRule)
        stored = [(model, list(model._base_manager.all())) for model in models]

    def restore_rows(*arguments: Any, **options: Any) -> None:
        for model, rows in stored:
            model._base_manager.bulk_create(rows)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flush, "emit_post_migrate_signal", restore_rows)
        if BOOTSTRAPPED_SITE and connection.vendor == "postgresql":
            patch.setattr(connection.ops, "sql_flush", list_deletions)
        yield


def list_deletions(style: Any, tables: Sequence[str], **options: Any) -> list[str]:
    """Return SQL statements that delete all rows of the tables, without triggers and checks of foreign keys."""
    from django.db import connection

    if not tables:
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT " + ", ".join(f'EXISTS (SELECT FROM "{table}")' for table in tables))
        deletions = [f'DELETE FROM "{table}"' for table, has_rows in zip(tables, cursor.fetchone(), strict=True) if has_rows]
    return ["SET session_replication_role = replica", *deletions, "SET session_replication_role = DEFAULT"]
