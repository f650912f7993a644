"""Restore a backup of the database, the uploaded files, and the models."""

from __future__ import annotations

from argparse import ArgumentParser
from io import StringIO
from pathlib import Path
from time import perf_counter
from typing import Any

from django.conf import settings
from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand, CommandError

from core.backup.errors import BackupError
from core.backup.restore import list_pending_migrations, restore_backup

SWEEP_COMMAND, VERIFY_COMMAND = "sweep_media", "verify_store"  # of apps that core does not import


class Command(BaseCommand):
    help = (
        "Verify a backup, and restore it to an empty database, MEDIA_ROOT, and MODEL_ROOT. Then delete files without a row, "
        "and verify the store. Stop the server first."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR", help="the folder of a complete backup")
        parser.add_argument("--force", action="store_true", help="replace a database that is not empty")

    def handle(self, *args: Any, **options: Any) -> None:
        started = perf_counter()
        try:
            manifest = restore_backup(options["folder"], force=options["force"])
        except BackupError as error:
            raise CommandError(str(error)) from error
        rows = sum(manifest.row_counts.values())
        self.stdout.write(
            f"Restored the backup of {manifest.started_at}: {rows:,} rows, {manifest.file_count:,} files, "
            f"in {perf_counter() - started:.1f} s."
        )
        if list_pending_migrations():
            self.stdout.write(f"An earlier version made the backup. Run migrate, and then {VERIFY_COMMAND}.")
            return
        started = perf_counter()
        # Files that were stored while the backup was made have no rows in its snapshot. A bucket also has newer files, which
        # another restore may need.
        if SWEEP_COMMAND in get_commands() and not settings.S3_BUCKET:
            call_command(SWEEP_COMMAND, older_than=0, stdout=StringIO())
        if VERIFY_COMMAND in get_commands():
            call_command(VERIFY_COMMAND, stdout=self.stdout, stderr=self.stderr)
            self.stdout.write(f"Verified the store in {perf_counter() - started:.1f} s.")
