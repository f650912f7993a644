"""Build the URL of the site."""

from __future__ import annotations

from django.http import HttpRequest


def get_site_url(request: HttpRequest) -> str:
    """Return the URL at which the client reached the site, without a trailing slash: `https://mlsite.example.org`."""
    return request.build_absolute_uri("/").rstrip("/")
