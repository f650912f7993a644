"""Browsers in which users have signed in before, in a signed cookie. The cookie does not sign anyone in."""

from __future__ import annotations

import secrets
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac

COOKIE_NAME = "device"
SALT = "accounts.devices"
MAX_AGE_SECONDS = 365 * 24 * 3600
MAX_USERS = 5  # per browser; the latest ones
NAME_CHARACTERS = 16  # of the HMAC of a username


def read_device(request: HttpRequest, username: str) -> str:
    """Return the ID of the browser if the user has signed in there before, or an empty string."""
    device, names = _read_cookie(request)
    return device if hash_username(username) in names else ""


def mark_known(request: HttpRequest, username: str) -> None:
    """Let the response mark the browser as one in which the user has signed in, or has set a new password."""
    request.known_username = username  # type: ignore[attr-defined]


def set_device_cookie(request: Any, response: HttpResponse) -> None:
    """Set or renew the cookie if `mark_known` was called."""
    username = getattr(request, "known_username", None)
    if username is None:
        return
    device, names = _read_cookie(request)
    name = hash_username(username)
    names = [*(other for other in names if other != name), name][-MAX_USERS:]
    response.set_cookie(
        COOKIE_NAME,
        signing.dumps([device or secrets.token_hex(16), names], salt=SALT),
        max_age=MAX_AGE_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
        path=f"{settings.SESSION_COOKIE_PATH}accounts/",
    )


def hash_username(username: str) -> str:
    """Return the mark of a user in the cookie, which does not reveal the name."""
    return salted_hmac(SALT, username).hexdigest()[:NAME_CHARACTERS]


def _read_cookie(request: HttpRequest) -> tuple[str, list[str]]:
    try:
        device, names = signing.loads(request.COOKIES.get(COOKIE_NAME, ""), salt=SALT, max_age=MAX_AGE_SECONDS)
    except signing.BadSignature:
        return "", []
    return device, names
