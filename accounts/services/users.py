"""Create users, and make users reviewers."""

from __future__ import annotations

from contextlib import suppress

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.models import User

REVIEWERS_GROUP = "Reviewers"


def create_user(*, username: str, password: str, email: str = "", superuser: bool = False) -> User:
    """Create a user.

    Raises:
        ValidationError: a field is invalid, or the username is taken.
    """
    user = User(username=username, email=email, is_staff=superuser, is_superuser=superuser)
    user.set_password(password)
    user.full_clean()
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError as error:  # another request has taken the name since full_clean
        raise user.unique_error_message(User, ("username",)) from error
    return user


def get_or_create_system_user(*, username: str) -> User:
    """Return an account that owns rows but cannot sign in.

    Args:
        username: a name that cannot be chosen at sign-up, such as `(system)`.

    Raises:
        ValueError: the name can be chosen at sign-up.
    """
    with suppress(ValidationError):
        User.username_validator(username)
        raise ValueError(
            f"Expected a username that is not available for sign-up, such as '(system)'. Received: {username!r}"
        )
    defaults = {"is_active": False, "password": make_password(None)}
    return User.objects.get_or_create(username=username, defaults=defaults)[0]


def add_reviewer(*, user: User) -> User:
    """Make a user a reviewer: staff, and a member of the group Reviewers."""
    user.groups.add(Group.objects.get(name=REVIEWERS_GROUP))
    user.is_staff = True
    user.save(update_fields=["is_staff"])
    return user
