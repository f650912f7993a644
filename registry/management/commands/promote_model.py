"""Point an alias at a version."""

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
    help = "Let an alias (by default: production) of model NAME point at VERSION. The next request follows."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument("version", type=int)
        parser.add_argument("--alias", default=PRODUCTION)
        parser.add_argument("--user", default="", help="who moves it, for the record")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            change = promote_model(
                name=options["name"],
                number=options["version"],
                alias=options["alias"],
                user=find_user(options["user"]),
            )
        except InferenceError as error:
            raise CommandError(describe_error(error)) from error
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        before = change.from_version.number if change.from_version else "none"
        self.stdout.write(f"{change.model.name}@{change.alias}: {before} -> {change.to_version.number}")
