"""Delete or anonymize a user."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from accounts.management import get_user
from accounts.services.erasure import erase_user
from accounts.services.removal import anonymize_user, delete_user

WAYS: dict[str, tuple[str, Callable[..., object]]] = {
    "delete": ("Delete", delete_user),
    "anonymize": ("Anonymize", anonymize_user),
    "erase": ("Erase", erase_user),
}


class Command(BaseCommand):
    help = (
        "Delete USER with their tokens and sessions. Predictions, inputs, reviews, and batch jobs stay without a user. "
        "With --anonymize, the account stays, inactive and without a name. With --erase, all their data is removed too."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", metavar="USER", help="username")
        ways = parser.add_mutually_exclusive_group()
        ways.add_argument("--anonymize", action="store_true", help="remove personal data, but keep the account")
        ways.add_argument("--erase", action="store_true", help="remove the account and all data of the user")
        parser.add_argument("--yes", action="store_true", help="skip the confirmation")

    def handle(self, *args: Any, **options: Any) -> None:
        user = get_user(options["user"])
        verb, remove = next((WAYS[name] for name in ("anonymize", "erase") if options[name]), WAYS["delete"])
        if not options["yes"] and input(f"{verb} {user.username}? You cannot undo this. [y/N] ").lower() != "y":
            raise CommandError("Nothing was changed.")
        try:
            remove(user=user)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(f"{verb}d: {options['user']}")
