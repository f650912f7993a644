"""Change what users choose for their account."""

from __future__ import annotations

from django.db import transaction

from accounts.models import User
from core.locks import lock_row


def update_preferences(*, user: User, language: str, time_zone: str, theme: str, page_size: int | None) -> User:
    """Store preferences. Empty values let the browser decide.

    Raises:
        ValidationError: a value cannot be chosen.
        RowDeleted: the account was deleted.
    """
    user.language, user.time_zone, user.theme, user.page_size = language, time_zone, theme, page_size
    fields = ["language", "time_zone", "theme", "page_size"]
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
