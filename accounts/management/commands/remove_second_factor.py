"""Remove the second factor of a user who has lost the device and the recovery codes."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from accounts.management import get_user
from accounts.services.second_factor import remove_second_factor


class Command(BaseCommand):
    help = "Remove the second factor of USER. The password stays as it is. Tokens are not affected."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", metavar="USER", help="username")

    def handle(self, *args: Any, **options: Any) -> None:
        is_removed = remove_second_factor(user=get_user(options["user"]))
        text = "Second factor removed: {}" if is_removed else "{} has no second factor."
        self.stdout.write(text.format(options["user"]))
