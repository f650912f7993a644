"""Back up the database, the uploaded files, and the models."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from time import perf_counter
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from core.backup.create import create_backup
from core.backup.errors import BackupError


class Command(BaseCommand):
    help = (
        "Back up the database, MEDIA_ROOT, and MODEL_ROOT to a folder while the server is running. A second backup to the "
        "same folder replaces the first one and copies only new files. A backup is complete when it has a manifest.json."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR", help="an empty folder, or one with an earlier backup")

    def handle(self, *args: Any, **options: Any) -> None:
        started = perf_counter()
        try:
            manifest = create_backup(options["folder"])
        except BackupError as error:
            raise CommandError(str(error)) from error
        rows, megabytes = sum(manifest.row_counts.values()), manifest.file_bytes / 2**20
        self.stdout.write(
            f"Backup of {manifest.started_at}: {rows:,} rows, {manifest.file_count:,} files ({megabytes:,.1f} MB), "
            f"in {perf_counter() - started:.1f} s. Back up .env too: it contains SECRET_KEY."
        )
        if settings.S3_BUCKET:
            self.stdout.write(f"The bucket {settings.S3_BUCKET} is not part of the backup. Turn on versioning for it.")
