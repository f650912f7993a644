"""Create an API token for a user. Standard output contains only the token, so that scripts can read it."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.models import User
from accounts.scopes import SCOPES
from accounts.services import create_token
from core.management.arguments import build_integer_parser

MAX_DAYS = 36_500


class Command(BaseCommand):
    help = "Create an API token for USER and print it to standard output. The token is shown only once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", metavar="USER", help="username")
        parser.add_argument("--name", default="create_token", help="what the token is for")
        parser.add_argument(
            "--scope", action="append", choices=SCOPES, help="what the token may do; repeat for several; default: all"
        )
        parser.add_argument(
            "--days",
            type=build_integer_parser(1, MAX_DAYS),
            help="days until the token expires; default: no expiry",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["user"], is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active user {options['user']!r}.")
        expires_at = timezone.now() + timedelta(days=options["days"]) if options["days"] else None
        scopes = options["scope"] or SCOPES
        try:
            _, secret = create_token(user=user, name=options["name"], expires_at=expires_at, scopes=scopes)
        except ValidationError as error:
            raise CommandError(f"Expected a valid --name. {' '.join(error.messages)}") from error
        self.stdout.write(secret)
