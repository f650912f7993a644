"""Set after how many days the data of a model is removed."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, BooleanOptionalAction
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from predictions.models import RetentionPolicy
from predictions.services.retention import set_retention
from registry.models import RegisteredModel

NEVER = "never"


def parse_days(text: str) -> int | None:
    """Return a number of days, or None for `never`."""
    if text == NEVER:
        return None
    if not text.isascii() or not text.isdigit():
        raise ArgumentTypeError(f"Expected a number of days, or {NEVER}. Received: {text}")
    return int(text)


class Command(BaseCommand):
    help = (
        "Set the retention policy of MODEL. Options that you leave out keep their value. Without options, show the policy."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("model", metavar="MODEL", help="name of a registered model")
        parser.add_argument(
            "--image-days", type=parse_days, metavar="DAYS", help=f"remove older images; `{NEVER}` keeps them"
        )
        parser.add_argument(
            "--row-days", type=parse_days, metavar="DAYS", help=f"remove older predictions; `{NEVER}` keeps them"
        )
        parser.add_argument(
            "--keep-reviewed", action=BooleanOptionalAction, help="keep reviewed predictions; default: keep them"
        )
        parser.set_defaults(image_days=..., row_days=..., keep_reviewed=...)

    def handle(self, *args: Any, **options: Any) -> None:
        model = RegisteredModel.objects.filter(name=options["model"]).first()
        if model is None:
            raise CommandError(f"There is no model {options['model']!r}.")
        policy = RetentionPolicy.objects.filter(model=model).first() or RetentionPolicy(model=model)
        names = ("image_days", "row_days", "keep_reviewed")
        changes = {name: options[name] for name in names if options[name] is not ...}
        if changes:
            values = {name: getattr(policy, name) for name in names} | changes
            try:
                policy = set_retention(model=model, **values)
            except ValidationError as error:
                raise CommandError(" ".join(error.messages)) from error
        days = [NEVER if value is None else f"after {value} days" for value in (policy.image_days, policy.row_days)]
        self.stdout.write(f"{model.name}: images are removed {days[0]}, predictions {days[1]}.")
        self.stdout.write(f"Reviewed predictions are {'never removed' if policy.keep_reviewed else 'removed too'}.")
