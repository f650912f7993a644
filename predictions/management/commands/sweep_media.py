"""Delete stored files without a database row."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from predictions.services.sweep import sweep_media

DEFAULT_AGE_SECONDS = 3600


class Command(BaseCommand):
    help = "Delete files below MEDIA_ROOT that a crash left without a database row. Run it regularly, for example daily."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--older-than",
            type=float,
            default=DEFAULT_AGE_SECONDS,
            metavar="SECONDS",
            help="delete only files older than this; default: %(default)s",
        )
        parser.add_argument("--dry-run", action="store_true", help="list the files without deleting them")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["older_than"] < 0:
            raise CommandError(f"Expected --older-than of 0 or more seconds. Received: {options['older_than']:g}")
        paths = sweep_media(older_than=options["older_than"], dry_run=options["dry_run"])
        for path in paths:
            self.stdout.write(str(path))
        self.stdout.write(f"{len(paths)} files {'to delete' if options['dry_run'] else 'deleted'}.")
