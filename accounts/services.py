"""The only writer of users and tokens."""

from __future__ import annotations

import hashlib
import secrets
from contextlib import suppress
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import ApiToken, User

TOKEN_MARK = "mls_"  # noqa: S105  so that a leaked token is found by secret scanners
TOKEN_BYTES = 32
LAST_USE_EVERY = timedelta(minutes=1)
REVIEWERS = "Reviewers"


def create_user(*, username: str, password: str, email: str = "", superuser: bool = False) -> User:
    user = get_user_model()(username=username, email=email, is_staff=superuser, is_superuser=superuser)
    user.set_password(password)
    user.full_clean()
    user.save()
    return user


def get_or_create_system_user(*, username: str) -> User:
    """Return an account that nobody can sign in to, making it when it is not there yet.

    Args:
        username: with a character that no name at sign-up may have, so that it is nobody else's: `(tour)`.
    """
    with suppress(ValidationError):
        User.username_validator(username)
        raise ValueError(f"Somebody could sign up with the name {username!r}")
    fresh = {"is_active": False, "password": make_password(None)}
    return User.objects.get_or_create(username=username, defaults=fresh)[0]


def add_reviewer(*, user: User) -> None:
    """Let a user see and judge everybody's predictions: staff, in the group Reviewers."""
    user.groups.add(Group.objects.get(name=REVIEWERS))
    user.is_staff = True
    user.save(update_fields=["is_staff"])


def create_token(*, user: User, name: str, expires_at: datetime | None = None) -> tuple[ApiToken, str]:
    """Return the stored token and its secret, which is shown this once and not kept."""
    secret = TOKEN_MARK + secrets.token_urlsafe(TOKEN_BYTES)
    token = ApiToken(user=user, name=name, expires_at=expires_at, prefix=secret[:8], digest=hash_secret(secret))
    token.full_clean()
    token.save()
    return token, secret


def revoke_token(*, token: ApiToken) -> None:
    """Refuse the token from the very next request on. Revoking twice keeps the first time."""
    ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now())


def authenticate_token(*, secret: str) -> ApiToken | None:
    """Return the active token of a secret with its user, noting its use at most once a minute, or None."""
    token = ApiToken.objects.active().select_related("user").filter(digest=hash_secret(secret)).first()
    now = timezone.now()
    if token and (token.last_used_at is None or now - token.last_used_at >= LAST_USE_EVERY):
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


def hash_secret(secret: str) -> str:
    """Return the SHA-256 of a secret. Plain, because 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def get_client_address(request: HttpRequest) -> str:
    """Return the address that a request came from.

    `X-Forwarded-For` is read only as far as `TRUSTED_PROXIES` proxies have written it, counted from the right: what
    stands further left is the client's own claim.
    """
    forwarded = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
    proxies = settings.TRUSTED_PROXIES
    if proxies and len(forwarded) >= proxies:
        return forwarded[-proxies]
    return request.META.get("REMOTE_ADDR", "")
