"""Made-up people, who cannot sign in."""

from __future__ import annotations

from django.contrib.auth.hashers import make_password

from accounts.models import User


def seed_users(prefix: str, count: int) -> list[User]:
    """Return the accounts `prefix-1` to `prefix-<count>`, making those that are not there yet."""
    return [_user(f"{prefix}-{number}") for number in range(1, count + 1)]


def _user(username: str) -> User:
    fresh = {"is_active": False, "password": make_password(None)}
    return User.objects.get_or_create(username=username, defaults=fresh)[0]
