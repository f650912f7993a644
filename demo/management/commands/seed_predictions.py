"""Fill the ledger with made-up predictions."""

from __future__ import annotations

from argparse import ArgumentParser
from time import perf_counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from demo.services.seed import seed_predictions
from inference.errors import InferenceError
from predictions.models import Prediction
from registry.references import resolve_version

EVERY = 50_000  # predictions between two lines of progress
MOST_DAYS = 3650
CHOSEN = {"count": 1, "days": 1, "reviewed": 0, "files": 1, "users": 1, "seed": 0}
"""What the service is told, and the least of each."""


class Command(BaseCommand):
    help = (
        "Fill the ledger with made-up predictions, inputs and reviews of MODEL (name, name@alias or name:version), to see "
        "and measure pages on a large one. The model is not asked. What is made up has the client_reference `seed` and "
        "belongs to accounts that cannot sign in, (seed-1), (seed-2) …; nothing takes it out again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("model")
        parser.add_argument("--count", type=int, default=1_000_000, help="predictions; default: a million")
        parser.add_argument("--days", type=int, default=30, help="that they are spread over, up to now; default: 30")
        parser.add_argument("--reviewed", type=float, default=0.05, help="share that somebody has judged; default: 0.05")
        parser.add_argument("--files", type=int, default=1000, help="different pictures among them; default: 1000")
        parser.add_argument("--users", type=int, default=5, help="who asked; default: 5")
        parser.add_argument("--seed", type=int, default=0, help="another one makes up others; default: 0")
        parser.add_argument("--yes", action="store_true", help="also into a ledger that holds predictions already")

    def handle(self, *args: Any, **options: Any) -> None:
        self._check(options)
        try:
            version = resolve_version(options["model"])
            self.stdout.write(f"Making up {options['count']:,} predictions of {version}. None of them was ever asked for.")
            self._fill(version=version, **{name: options[name] for name in CHOSEN})
        except InferenceError as error:
            raise CommandError(error.message) from error

    def _fill(self, **chosen: Any) -> None:
        started = perf_counter()

        def report(done: int) -> None:
            if done % EVERY == 0 or done == chosen["count"]:
                self.stdout.write(f"{done:,} made up, {done / (perf_counter() - started):,.0f} a second")
                self.stdout.flush()

        seed_predictions(**chosen, report=report)
        self.stdout.write(f"Done in {perf_counter() - started:,.0f} s.")

    def _check(self, options: dict[str, Any]) -> None:
        for name, least in CHOSEN.items():
            if options[name] < least:
                raise CommandError(f"Expected --{name} of at least {least}. Received: {options[name]}")
        if not options["reviewed"] <= 1:
            raise CommandError(f"Expected --reviewed from 0 to 1. Received: {options['reviewed']}")
        if options["days"] > MOST_DAYS:
            raise CommandError(f"Expected --days of at most {MOST_DAYS:,}. Received: {options['days']}")
        if not options["yes"] and Prediction.objects.exists():
            raise CommandError("The ledger holds predictions already. With --yes the made-up ones go among them, for good.")
