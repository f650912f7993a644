"""Create users, API tokens, and reviewers. No other module writes them."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import ApiToken, User
from accounts.scopes import SCOPES, join_scopes
from accounts.services.audit import Action, AuditObject, record_action

TOKEN_PREFIX = "mls_"  # noqa: S105  lets secret scanners recognize leaked tokens
TOKEN_BYTES = 32
SECRET_CHARACTERS = len(TOKEN_PREFIX) + 43  # 32 bytes in base64 without padding
SHOWN_TOKEN_CHARACTERS = 8  # stored in ApiToken.prefix
LAST_USE_INTERVAL = timedelta(minutes=1)  # minimum time between two updates of last_used_at
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


def create_token(
    *, user: User, name: str, expires_at: datetime | None = None, scopes: Iterable[str] = SCOPES
) -> tuple[ApiToken, str]:
    """Create an API token. Return the token and its secret, which is not stored and cannot be shown again.

    Args:
        scopes: what the token may do with the rights of the user, see `accounts.scopes`; by default everything.

    Raises:
        ValidationError: the name is empty or too long, or a scope is unknown.
    """
    secret = TOKEN_PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
    prefix = secret[:SHOWN_TOKEN_CHARACTERS]
    token = ApiToken(user=user, name=name, scopes=join_scopes(scopes), expires_at=expires_at, prefix=prefix)
    token.digest = hash_secret(secret=secret)
    token.full_clean()
    with transaction.atomic():
        token.save()
        record_action(action=Action.TOKEN_CREATED, on=_describe_token(token), details=_describe_rights(token))
    return token, secret


def revoke_token(*, token: ApiToken) -> None:
    """Revoke a token, effective immediately. Revoking it again does not change `revoked_at`."""
    with transaction.atomic():
        if ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now()):
            record_action(action=Action.TOKEN_REVOKED, on=_describe_token(token), details=_describe_rights(token))


def _describe_token(token: ApiToken) -> AuditObject:
    return AuditObject("token", token.pk, token.prefix)


def _describe_rights(token: ApiToken) -> dict[str, str]:
    expiry = token.expires_at.isoformat() if token.expires_at else ""
    return {"user_id": str(token.user_id), "scopes": token.scopes, "expires_at": expiry}


def authenticate_token(*, secret: str) -> ApiToken | None:
    """Return the active token with this secret and its user, or None.

    The time of the last use is updated at most once per `LAST_USE_INTERVAL`, so that most requests write nothing.
    """
    if not secret.startswith(TOKEN_PREFIX) or len(secret) != SECRET_CHARACTERS:
        return None  # without a query
    token = ApiToken.objects.active().select_related("user").filter(digest=hash_secret(secret=secret)).first()
    now = timezone.now()
    if token and (token.last_used_at is None or now - token.last_used_at >= LAST_USE_INTERVAL):
        record_token_use(token_id=token.pk, used_at=now)
    return token


def record_token_use(*, token_id: UUID, used_at: datetime) -> None:
    """Update the time of the last use of a token."""
    ApiToken.objects.filter(pk=token_id).update(last_used_at=used_at)


def hash_secret(*, secret: str) -> str:
    """Return the hexadecimal SHA-256 of a secret. Secrets have 256 random bits, so they need no salt and no slow hash."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
