"""Remove stored files that no input names."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from predictions.services.sweep import sweep_media

HOUR = 3600  # seconds


class Command(BaseCommand):
    help = "Delete files below MEDIA_ROOT that a crash left without a row. Run it now and then; nothing else deletes files."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--older-than", type=float, default=HOUR, help="seconds; default: an hour")
        parser.add_argument("--dry-run", action="store_true", help="only list them")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["older_than"] < 0:
            raise CommandError(f"Expected --older-than of 0 or more seconds. Received: {options['older_than']:g}")
        left = sweep_media(older_than=options["older_than"], dry_run=options["dry_run"])
        for path in left:
            self.stdout.write(str(path))
        self.stdout.write(f"{len(left)} files {'to delete' if options['dry_run'] else 'deleted'}.")
