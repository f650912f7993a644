"""Count the hours that are over, for the operations page."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_naive, make_aware

from monitoring.services.rollup import forget_rollups, roll_up


class Command(BaseCommand):
    help = (
        "Count all hours that are over, for the page on operations. The site does so itself after requests; run it once "
        "after an upgrade, or after changing the ledger by hand."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--again-since", help="count again from this moment on, such as 2026-01-31T00:00:00Z")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["again_since"]:
            self._forget(options["again_since"])
        counted = roll_up()
        if options["verbosity"]:
            self.stdout.write(f"{counted} hours counted.")

    def _forget(self, text: str) -> None:
        try:
            since = parse_datetime(text)
        except ValueError:
            since = None
        if since is None:
            raise CommandError(f"Expected --again-since with a time such as 2026-01-31T00:00:00Z. Received: {text}")
        forget_rollups(since=make_aware(since) if is_naive(since) else since)
