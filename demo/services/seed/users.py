"""Made-up people, who cannot sign in."""

from __future__ import annotations

from accounts.models import User
from accounts.services import get_or_create_system_user


def seed_users(prefix: str, count: int) -> list[User]:
    """Return the accounts `(prefix-1)` to `(prefix-<count>)`, making those that are not there yet."""
    return [get_or_create_system_user(username=f"({prefix}-{number})") for number in range(1, count + 1)]
