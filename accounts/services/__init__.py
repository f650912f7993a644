"""Write users, API tokens, and what belongs to them. No other code writes them."""

from accounts.services.tokens import (
    LAST_USE_INTERVAL,
    authenticate_token,
    create_token,
    create_token_once,
    hash_secret,
    record_token_use,
    revoke_token,
)
from accounts.services.users import REVIEWERS_GROUP, add_reviewer, create_user, get_or_create_system_user

__all__ = [
    "LAST_USE_INTERVAL",
    "REVIEWERS_GROUP",
    "add_reviewer",
    "authenticate_token",
    "create_token",
    "create_token_once",
    "create_user",
    "get_or_create_system_user",
    "hash_secret",
    "record_token_use",
    "revoke_token",
]
