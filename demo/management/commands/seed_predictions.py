"""Generate predictions and reviews, to test the site with many rows."""

from __future__ import annotations

from argparse import ArgumentParser
from time import perf_counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.management.arguments import build_integer_parser, build_number_parser
from demo.services.seed import seed_predictions
from inference.errors import InferenceError
from predictions.models import Prediction
from registry.references import resolve_version

PROGRESS_ROWS = 50_000  # predictions between two lines of progress
MAX_DAYS = 3650
MAX_SEED = 2**32 - 1
parse_count = build_integer_parser(1, 1_000_000_000)
SERVICE_OPTIONS = ("count", "days", "reviewed", "files", "users", "seed")  # that are passed to the service


class Command(BaseCommand):
    help = (
        "Generate predictions, inputs, and reviews of MODEL (name, name@alias, or name:version), to test the site with many "
        "rows. The model does not run. Generated predictions have the client reference 'seed' and belong to users that "
        "cannot sign in, such as (seed-1). They stay in the metrics, even if you erase "
        "these users."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("model", metavar="MODEL", help="name, name@alias, or name:version")
        parser.add_argument("--count", type=parse_count, default=1_000_000, help="number of predictions; default: 1,000,000")
        parser.add_argument(
            "--days", type=build_integer_parser(1, MAX_DAYS), default=30, help="number of past days to cover; default: 30"
        )
        parser.add_argument(
            "--reviewed",
            type=build_number_parser(0, 1),
            default=0.05,
            help="share of predictions with a review; default: 0.05",
        )
        parser.add_argument("--files", type=parse_count, default=1000, help="number of distinct images; default: 1,000")
        parser.add_argument("--users", type=parse_count, default=5, help="number of users; default: 5")
        parser.add_argument(
            "--seed",
            type=build_integer_parser(0, MAX_SEED),
            default=0,
            help="seed of the random number generator; default: 0",
        )
        parser.add_argument("--yes", action="store_true", help="run even if the database already contains predictions")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["yes"] and Prediction.objects.exists():
            raise CommandError(
                "The database already contains predictions. Use --yes to add generated ones, which stay in the metrics."
            )
        try:
            version = resolve_version(options["model"])
            self.stdout.write(f"Generating {options['count']:,} predictions of {version}.")
            self.generate_predictions(version=version, **{name: options[name] for name in SERVICE_OPTIONS})
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
