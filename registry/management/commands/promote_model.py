"""Point an alias to a model version."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from accounts.management import find_user
from inference.errors import InferenceError
from registry.errors import describe_error
from registry.querysets import PRODUCTION
from registry.services import promote_model


class Command(BaseCommand):
    help = "Verify VERSION of model NAME, then point an alias to it. The next request uses it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", metavar="NAME", help="name of the model")
        parser.add_argument("version", type=int, metavar="VERSION", help="version number")
        parser.add_argument("--alias", default=PRODUCTION, help="alias to move; default: production")
        parser.add_argument("--user", default="", help="username recorded in the history of the alias")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            change = promote_model(
                name=options["name"],
                number=options["version"],
                alias=options["alias"],
                user=find_user(options["user"]),
            )
        except (InferenceError, ValidationError) as error:
            raise CommandError(describe_error(error)) from error
        previous = change.from_version.number if change.from_version else "none"
        self.stdout.write(f"{change.model.name}@{change.alias}: {previous} -> {change.to_version.number}")
