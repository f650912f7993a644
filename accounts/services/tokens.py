"""Create, revoke, and authenticate API tokens."""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import DatabaseError, transaction
from django.utils import timezone
from django.utils.translation import gettext

from accounts.models import ApiToken, User
from accounts.scopes import SCOPES, join_scopes
from accounts.services.audit import Action, AuditObject, record_action
from accounts.services.submissions import SHOW_AGAIN_PERIOD, create_once
from core.locks import lock_row

logger = logging.getLogger(__name__)

TOKEN_PREFIX = "mls_"  # noqa: S105  lets secret scanners recognize leaked tokens
TOKEN_BYTES = 32
SECRET_CHARACTERS = len(TOKEN_PREFIX) + 43  # 32 bytes in base64 without padding
SHOWN_TOKEN_CHARACTERS = 8  # stored in ApiToken.prefix
LAST_USE_INTERVAL = timedelta(minutes=1)  # minimum time between two updates of last_used_at


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


def create_token_once(*, submitted_by: User, key: str, content: Any, **values: Any) -> tuple[ApiToken, str]:
    """Create a token for a form. If the form is submitted again, return the token of the first submission.

    The second click of a double click gets a new secret for that token, because the browser never showed the first one.

    Args:
        submitted_by: the user who submits the form.
        key, content: as `store_once` takes them.
        values: as `create_token` takes them.

    Returns:
        The token and its secret. The secret is empty if an earlier submission has shown it.

    Raises:
        ValidationError, SubmissionRunning: as `create_token` and `store_once` do.
    """
    created: dict[UUID, str] = {}

    def create() -> ApiToken:
        token, secret = create_token(**values)
        created[token.pk] = secret
        return token

    rows = ApiToken.objects.all()
    token = create_once(user=submitted_by, key=key, content=content, create=create, rows=rows)
    return token, created.get(token.pk) or _renew_secret(token)


def describe_existing_token(token: ApiToken) -> str:
    """Return the message for a form that was submitted again after it had created a token."""
    text = gettext(
        "This form was submitted before and has created the token %(token)s. Its secret is not shown again. If you have not "
        "copied it, revoke the token and create another one."
    )
    return text % {"token": token}


def _renew_secret(token: ApiToken) -> str:
    """Give a token that was just created another secret with the same prefix, and return it.

    The result is empty if the token is older or in use.
    """
    with transaction.atomic():
        locked = lock_row(token)
        if locked.state != "active" or locked.last_used_at or locked.created_at < timezone.now() - SHOW_AGAIN_PERIOD:
            return ""
        secret = token.prefix + secrets.token_urlsafe(TOKEN_BYTES)[SHOWN_TOKEN_CHARACTERS - len(TOKEN_PREFIX) :]
        locked.digest = hash_secret(secret=secret)
        locked.save(update_fields=["digest"])
    return secret


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

    The time of the last use is updated at most once per `LAST_USE_INTERVAL`, so that most requests write nothing. If it
    cannot be stored, because the database is full or read-only, requests that only read still succeed.
    """
    if not secret.startswith(TOKEN_PREFIX) or len(secret) != SECRET_CHARACTERS:
        return None  # without a query
    token = ApiToken.objects.active().select_related("user").filter(digest=hash_secret(secret=secret)).first()
    now = timezone.now()
    if token and (token.last_used_at is None or now - token.last_used_at >= LAST_USE_INTERVAL):
        try:
            record_token_use(token_id=token.pk, used_at=now)
        except DatabaseError as error:
            logger.warning("token use not recorded: %s", error)
    return token


def record_token_use(*, token_id: UUID, used_at: datetime) -> None:
    """Update the time of the last use of a token."""
    ApiToken.objects.filter(pk=token_id).update(last_used_at=used_at)


def hash_secret(*, secret: str) -> str:
    """Return the hexadecimal SHA-256 of a secret. Secrets have 256 random bits, so they need no salt and no slow hash."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
