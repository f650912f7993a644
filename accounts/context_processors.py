"""Template variables of the accounts app."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest

from accounts.preferences import find_user


def signup(request: HttpRequest) -> dict[str, bool]:
    """Add `allow_signup`: whether sign-up is open."""
    return {"allow_signup": settings.ALLOW_SIGNUP}


def preferences(request: HttpRequest) -> dict[str, str]:
    """Add `theme` and `time_zone`, which the user has chosen, for the attributes of the element `html`."""
    user = find_user(request)
    return {"theme": user.theme, "time_zone": user.time_zone} if user else {}
