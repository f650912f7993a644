"""Roll up completed hours for the operations page, and summarize reviews for evaluation."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from core.management.arguments import parse_time
from monitoring.services.rollup import delete_rollups, roll_up
from predictions.services.summaries import update_summaries


class Command(BaseCommand):
    help = (
        "Create the rollups of all completed hours for the operations page, and the summaries of reviews for evaluation. "
        "The server does this in the background. Run this command after you upgrade a site without rollups, or after you "
        "change predictions or reviews with SQL."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--again-since",
            type=parse_time,
            metavar="TIME",
            help="delete the rollups from this time on, and create them again, for example 2026-01-31T00:00:00Z",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["again_since"]:
            delete_rollups(since=options["again_since"])
        count = roll_up()
        update_summaries()
        if options["verbosity"]:
            self.stdout.write(f"Rolled up {count:,} hour{'' if count == 1 else 's'}.")
