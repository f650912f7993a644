"""Delete stored files without a database row."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.template.defaultfilters import pluralize

from core.management.arguments import parse_age
from predictions.services.sweep import sweep_media

DEFAULT_AGE_SECONDS = 3600


class Command(BaseCommand):
    help = (
        "Delete files in MEDIA_ROOT or S3_BUCKET that a crash left without a database row. Run this command regularly, for "
        "example weekly."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--older-than",
            type=parse_age,
            default=DEFAULT_AGE_SECONDS,
            metavar="SECONDS",
            help="delete only files older than this; default: %(default)s",
        )
        parser.add_argument("--dry-run", action="store_true", help="list the files without deleting them")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            paths = sweep_media(older_than=options["older_than"], dry_run=options["dry_run"])
        except OSError as error:
            raise CommandError(f"A file cannot be deleted. Run the command as the user of the server. {error}") from error
        for path in paths:
            self.stdout.write(str(path))
        self.stdout.write(f"{len(paths)} file{pluralize(paths)} {'to delete' if options['dry_run'] else 'deleted'}.")
