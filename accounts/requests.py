"""Requests: the type of a request from a signed-in user, and the address of a client."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from accounts.models import User


class AuthenticatedRequest(HttpRequest):
    """For type checkers only. `LoginRequiredMixin` and the middleware set these attributes."""

    user: User
    htmx: HtmxDetails


def get_client_address(request: HttpRequest) -> str:
    """Return the IP address that a request came from.

    Only the last `TRUSTED_PROXIES` entries of `X-Forwarded-For` are trusted. Clients can forge all others.
    """
    forwarded = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
    proxies = settings.TRUSTED_PROXIES
    if proxies and len(forwarded) >= proxies:
        return forwarded[-proxies]
    return request.META.get("REMOTE_ADDR", "")
