"""Apply migrations, in one process at a time: Django's command with a lock."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import migrate
from django.db import connections

from core.migration_locks import hold_migration_lock


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        with hold_migration_lock(connections[options["database"]], report_wait=self._report_wait):
            super().handle(*args, **options)

    def _report_wait(self) -> None:
        self.stderr.write("Another process is running migrate on this database. Waiting until it has finished…")
