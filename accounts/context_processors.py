"""Template variables of the accounts app."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def signup(request: HttpRequest) -> dict[str, bool]:
    """Add `allow_signup`: whether sign-up is open."""
    return {"allow_signup": settings.ALLOW_SIGNUP}
