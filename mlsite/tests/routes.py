"""The routes of the site, for tests that visit all of them."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, get_resolver


def list_routes(patterns=None, prefix="", names=()):
    """Yield the pattern and the full name of every route."""
    for pattern in patterns if patterns is not None else get_resolver().url_patterns:
        if isinstance(pattern, URLResolver):
            yield from list_routes(pattern.url_patterns, prefix + str(pattern.pattern), (*names, pattern.namespace))
        elif isinstance(pattern, URLPattern):
            yield prefix + str(pattern.pattern), ":".join(part for part in (*names, pattern.name) if part)
