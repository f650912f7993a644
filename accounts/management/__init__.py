"""Shared by management commands."""

from __future__ import annotations

from django.core.management.base import CommandError

from accounts.models import User


def find_user(username: str) -> User | None:
    """Return the user with this name, or None for an empty name.

    Raises:
        CommandError: there is no such user.
    """
    user = User.objects.filter(username=username).first()
    if username and user is None:
        raise CommandError(f"There is no user {username!r}.")
    return user
