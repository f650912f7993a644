"""Users of generated predictions. They cannot sign in."""

from __future__ import annotations

from accounts.models import User
from accounts.services import get_or_create_system_user


def get_or_create_users(prefix: str, count: int) -> list[User]:
    """Return the users `(prefix-1)` to `(prefix-<count>)`. Missing ones are created."""
    return [get_or_create_system_user(username=f"({prefix}-{number})") for number in range(1, count + 1)]
