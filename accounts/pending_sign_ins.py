"""Sign-ins that still need a code: the user has entered the password, or has returned from the provider."""

from __future__ import annotations

import time
from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from accounts.models import User

KEY = "pending_sign_in"
PENDING_SECONDS = 600


@dataclass(frozen=True, slots=True)
class PendingSignIn:
    """A sign-in that needs a code.

    Attributes:
        by_provider: it began at the provider of the organization.
    """

    user: User
    next_url: str
    by_provider: bool


def store_pending(request: HttpRequest, pending: PendingSignIn) -> None:
    """Remember a sign-in in the session, which stays anonymous."""
    request.session[KEY] = {
        "user": str(pending.user.pk),
        "hash": pending.user.get_session_auth_hash(),
        "next": pending.next_url,
        "by_provider": pending.by_provider,
        "expires_at": time.time() + PENDING_SECONDS,
    }


def read_pending(request: HttpRequest) -> PendingSignIn | None:
    """Return the sign-in of this session, or None if there is none or its account has changed meanwhile."""
    stored = request.session.get(KEY)
    if not stored or stored["expires_at"] < time.time():
        return None
    user = User.objects.filter(pk=stored["user"], is_active=True).first()
    if user is None or not constant_time_compare(user.get_session_auth_hash(), stored["hash"]):
        return None
    return PendingSignIn(user, stored["next"], stored["by_provider"])


def clear_pending(request: HttpRequest) -> None:
    """Forget the sign-in."""
    request.session.pop(KEY, None)
