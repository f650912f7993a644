"""Shared by management commands."""

from __future__ import annotations

from django.core.management.base import CommandError

from accounts.models import User


def get_user(username: str) -> User:
    """Return the user with this name.

    Raises:
        CommandError: there is no such user.
    """
    user = User.objects.filter(username=username).first()
    if user is None:
        raise CommandError(f"There is no user {username!r}.")
    return user


def find_user(username: str) -> User | None:
    """Return the user that an option names, or None if the option is empty.

    Raises:
        CommandError: there is no such user.
    """
    return get_user(username) if username else None
