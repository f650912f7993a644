"""Template variables of the accounts app."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest

from accounts.preferences import find_user


def sign_in(request: HttpRequest) -> dict[str, object]:
    """Add `allow_signup`, `allow_passwords`, and `oidc_name`: the name of the provider if users can sign in with it."""
    return {
        "allow_signup": settings.ALLOW_SIGNUP,
        "allow_passwords": not settings.OIDC_ONLY,
        "oidc_name": settings.OIDC_NAME if settings.OIDC_ISSUER else "",
    }


def preferences(request: HttpRequest) -> dict[str, str]:
    """Add `theme` and `time_zone`, which the user has chosen, for the attributes of the element `html`."""
    user = find_user(request)
    return {"theme": user.theme, "time_zone": user.time_zone} if user else {}
