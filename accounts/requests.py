"""Requests: the type of a request from a signed-in user, the address of a client, and the secret of a token."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_ipv46_address
from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from accounts.models import User

MAX_AUTHORIZATION_CHARACTERS = 512
UNKNOWN_NETWORK = "::"  # for example of a Unix socket
MAX_USERNAME_CHARACTERS = User._meta.get_field("username").max_length


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
    if proxies and len(forwarded) >= proxies and is_valid_address(forwarded[-proxies]):
        return forwarded[-proxies]
    return request.META.get("REMOTE_ADDR", "")


def get_client_network(request: HttpRequest) -> str:
    """Return the IPv4 address that a request came from, or its IPv6 network: a client has all 2^64 addresses of a /64."""
    try:
        address = ip_address(get_client_address(request))
    except ValueError:
        return UNKNOWN_NETWORK
    if not isinstance(address, IPv6Address):
        return str(address)
    return str(address.ipv4_mapped or ip_network((address.packed, 64), strict=False).network_address)


def is_valid_address(text: str) -> bool:
    """Return whether a text is an IP address, which PostgreSQL can store in a column of that type."""
    try:
        validate_ipv46_address(text)
    except ValidationError:
        return False
    return True


def get_attempted_username(request: HttpRequest, credentials: Mapping[str, Any] | None = None) -> str | None:
    """Return the username of an attempt to sign in, as the tables of django-axes can store it: no longer than a username."""
    name = (credentials if credentials is not None else request.POST).get(User.USERNAME_FIELD)
    return name and str(name)[:MAX_USERNAME_CHARACTERS]


def parse_bearer_header(header: str) -> str | None:
    """Return the secret of an `Authorization: Bearer` header: empty if it cannot be valid, None for another header."""
    scheme, _, secret = header.partition(" ")
    if scheme.lower() != "bearer":
        return None
    return secret.strip() if secret.isascii() and len(header) <= MAX_AUTHORIZATION_CHARACTERS else ""
