"""Build the URL of the site."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest

LOCAL_HOSTS = {"127.0.0.1", "localhost", "[::1]"}


def get_site_url(request: HttpRequest) -> str:
    """Return the URL at which the client reached the site, without a trailing slash: `https://mlsite.example.org`."""
    return request.build_absolute_uri("/").rstrip("/")


def find_public_url() -> str | None:
    """Return the URL of the site for links in emails, without a trailing slash, or None if it is not configured.

    It never depends on a request: an attacker could send the `Host` of another site. It is `SITE_URL`, or else the only host
    name in `ALLOWED_HOSTS`, or else the address of the server if all host names are of this machine.
    """
    if settings.SITE_URL:
        return settings.SITE_URL
    scheme = "https" if settings.HTTPS else "http"
    hosts = set(settings.ALLOWED_HOSTS)
    if hosts and hosts <= LOCAL_HOSTS:
        return f"{scheme}://{settings.HOST if settings.HOST in hosts else 'localhost'}:{settings.PORT}"
    host = next(iter(hosts)) if len(hosts) == 1 else ""
    return f"{scheme}://{host}" if host and not host.startswith((".", "*")) else None
