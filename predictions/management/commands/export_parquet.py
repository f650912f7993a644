"""Export predictions and reviews as Parquet files."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.template.defaultfilters import pluralize

from accounts.services.audit import Action, AuditObject, record_action
from core.management.arguments import parse_age, parse_time

DEFAULT_AGE_SECONDS = 600  # a row with a lower ID can be committed later


class Command(BaseCommand):
    help = (
        "Export predictions and reviews to DESTINATION as Parquet files, partitioned by model and day. A further export to "
        "the same destination adds what is new. An interrupted export continues."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("destination", metavar="DESTINATION", help="a folder, or s3://bucket/prefix")
        parser.add_argument(
            "--since", type=parse_time, metavar="TIME", help="skip what was created earlier; only used by the first export"
        )
        parser.add_argument("--model", default="", metavar="NAME", help="export only the versions of this model")
        parser.add_argument("--usernames", action="store_true", help="write the names of users instead of pseudonyms")
        parser.add_argument(
            "--older-than",
            type=parse_age,
            default=DEFAULT_AGE_SECONDS,
            metavar="SECONDS",
            help="export only what is older than this; default: %(default)s",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            from predictions.services.parquet.destinations import ExportError, open_destination
            from predictions.services.parquet.export import ParquetExport
        except ImportError as error:
            raise CommandError("pyarrow is not installed. Run make install-parquet.") from error
        try:
            export = ParquetExport(
                open_destination(options["destination"]),
                since=options["since"],
                model=options["model"],
                has_usernames=options["usernames"],
                older_than=options["older_than"],
            )
            summary = export.run()
        except ExportError as error:
            raise CommandError(f"Not exported: {error}") from error
        except (OSError, DatabaseError) as error:
            raise CommandError(f"The export is not complete: {error} Run the command again to continue.") from error
        details = {"format": "parquet", "predictions": summary.predictions, "usernames": options["usernames"]}
        record_action(action=Action.EXPORT, on=AuditObject("predictions"), details=details)
        self.stdout.write(
            f"Exported {summary.predictions:,} prediction{pluralize(summary.predictions)} and {summary.reviews:,} "
            f"review{pluralize(summary.reviews)} to {options['destination']}. New files: {summary.files:,}"
        )
