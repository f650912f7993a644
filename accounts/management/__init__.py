"""What commands share."""

from __future__ import annotations

from django.core.management.base import CommandError

from accounts.models import User


def find_user(name: str) -> User | None:
    """Return the user of that name, nobody for an empty one.

    Raises:
        CommandError: when there is none.
    """
    user = User.objects.filter(username=name).first()
    if name and user is None:
        raise CommandError(f"There is no user {name!r}.")
    return user
