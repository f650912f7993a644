"""Permissions beyond Django's model permissions."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser


def is_reviewer(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Return whether a user can see and review the predictions of all users.

    Reviewers are active staff with the permission `settings.REVIEWER_PERMISSION`; superusers have every permission.
    """
    account: Any = user
    return bool(account.is_active and account.is_staff and account.has_perm(settings.REVIEWER_PERMISSION))
