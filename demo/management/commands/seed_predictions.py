"""Generate predictions and reviews, to test the site with many rows."""

from __future__ import annotations

from argparse import ArgumentParser
from time import perf_counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from demo.services.seed import seed_predictions
from inference.errors import InferenceError
from predictions.models import Prediction
from registry.references import resolve_version

PROGRESS_ROWS = 50_000  # predictions between two lines of progress
MAX_DAYS = 3650
MIN_OPTION_VALUES = {"count": 1, "days": 1, "reviewed": 0, "files": 1, "users": 1, "seed": 0}
"""Smallest values of the options that are passed to the service."""


class Command(BaseCommand):
    help = (
        "Generate predictions, inputs, and reviews of MODEL (name, name@alias, or name:version), to test the site with many "
        "rows. The model does not run. Generated predictions have the client reference 'seed' and belong to users that "
        "cannot sign in, such as (seed-1). They stay in the metrics, even if you erase "
        "these users."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("model", metavar="MODEL", help="name, name@alias, or name:version")
        parser.add_argument("--count", type=int, default=1_000_000, help="number of predictions; default: 1,000,000")
        parser.add_argument("--days", type=int, default=30, help="number of past days to cover; default: 30")
        parser.add_argument("--reviewed", type=float, default=0.05, help="share of predictions with a review; default: 0.05")
        parser.add_argument("--files", type=int, default=1000, help="number of distinct images; default: 1,000")
        parser.add_argument("--users", type=int, default=5, help="number of users; default: 5")
        parser.add_argument("--seed", type=int, default=0, help="seed of the random number generator; default: 0")
        parser.add_argument("--yes", action="store_true", help="run even if the database already contains predictions")

    def handle(self, *args: Any, **options: Any) -> None:
        check_options(options)
        try:
            version = resolve_version(options["model"])
            self.stdout.write(f"Generating {options['count']:,} predictions of {version}.")
            self.generate_predictions(version=version, **{name: options[name] for name in MIN_OPTION_VALUES})
        except InferenceError as error:
            raise CommandError(error.message) from error

    def generate_predictions(self, **options: Any) -> None:
        start = perf_counter()

        def report(done: int) -> None:
            if done % PROGRESS_ROWS == 0 or done == options["count"]:
                self.stdout.write(f"{done:,} predictions generated ({done / (perf_counter() - start):,.0f} per second)")
                self.stdout.flush()

        seed_predictions(**options, report=report)
        self.stdout.write(f"Finished in {perf_counter() - start:,.0f} seconds.")


def check_options(options: dict[str, Any]) -> None:
    """Raise CommandError for values that are out of range, and for a database with predictions unless `--yes` is set."""
    for name, minimum in MIN_OPTION_VALUES.items():
        if options[name] < minimum:
            raise CommandError(f"Expected --{name} to be {minimum} or more. Received: {options[name]}")
    if not options["reviewed"] <= 1:
        raise CommandError(f"Expected --reviewed to be from 0 to 1. Received: {options['reviewed']}")
    if options["days"] > MAX_DAYS:
        raise CommandError(f"Expected --days to be {MAX_DAYS:,} or less. Received: {options['days']}")
    if not options["yes"] and Prediction.objects.exists():
        raise CommandError(
            "The database already contains predictions. Use --yes to add generated ones, which stay in the metrics."
        )
