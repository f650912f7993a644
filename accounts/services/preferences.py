"""Change what users choose for their account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from accounts.models import User
from core.locks import lock_row

PREFERENCE_FIELDS = ("language", "time_zone", "theme", "page_size")


def update_preferences(*, user: User, changes: Mapping[str, Any]) -> User:
    """Store some preferences. Others stay as they are.

    Args:
        changes: values by field, of `PREFERENCE_FIELDS`. Empty values let the browser decide.

    Raises:
        ValidationError: a value cannot be chosen.
        RowDeleted: the account was deleted.
    """
    fields = [name for name in PREFERENCE_FIELDS if name in changes]
    for name in fields:
        setattr(user, name, changes[name])
    user.full_clean(exclude=[field.name for field in User._meta.fields if field.name not in fields])
    with transaction.atomic():
        lock_row(user)
        user.save(update_fields=fields)
    return user


def change_email(*, user: User, email: str) -> User:
    """Store the address that receives links to reset the password.

    Raises:
        RowDeleted: the account was deleted.
    """
    user.email = email
    with transaction.atomic():
        lock_row(user)
        user.save(update_fields=["email"])
    return user
