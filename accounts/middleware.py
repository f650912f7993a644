"""The user of a session, without a query of its own."""

from __future__ import annotations

from django.contrib import auth
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare
from django.utils.functional import SimpleLazyObject

from accounts.models import User


class SessionUserMiddleware(AuthenticationMiddleware):
    """Set `request.user` from the session's own row. What is not plainly valid goes Django's way."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        request.user = SimpleLazyObject(lambda: session_user(request))  # type: ignore[assignment]


def session_user(request: HttpRequest) -> User | AnonymousUser:
    if not hasattr(request, "_cached_user"):
        request._cached_user = _stored_user(request) or auth.get_user(request)  # type: ignore[attr-defined]
    return request._cached_user  # type: ignore[attr-defined]


def _stored_user(request: HttpRequest) -> User | None:
    """Return the session's user if active and if the password has not changed since; None to be looked at again."""
    user_id = request.session.get(SESSION_KEY)  # loads the session, and with it the user
    user = getattr(request.session, "user", None)
    if user is None or str(user.pk) != user_id or not user.is_active:
        return None
    same_password = constant_time_compare(request.session.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash())
    return user if same_password else None
