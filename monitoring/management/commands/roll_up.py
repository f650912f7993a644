"""Roll up completed hours for the operations page, and summarize reviews for evaluation."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_naive, make_aware

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
            metavar="TIME",
            help="delete the rollups from this time on, and create them again, for example 2026-01-31T00:00:00Z",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["again_since"]:
            delete_rollups(since=parse_time(options["again_since"]))
        count = roll_up()
        update_summaries()
        if options["verbosity"]:
            self.stdout.write(f"Rolled up {count:,} hour{'' if count == 1 else 's'}.")


def parse_time(text: str) -> datetime:
    """Parse a time. Without a time zone, it is in UTC."""
    try:
        time = parse_datetime(text)
    except ValueError:
        time = None
    if time is None:
        raise CommandError(f"Expected --again-since to be a time such as 2026-01-31T00:00:00Z. Received: {text}")
    return make_aware(time) if is_naive(time) else time
