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


EXAMPLE_ARGUMENTS = {
    **{"<uuid:pk>": "01a1fb01-0971-77a1-91ee-40e3b3456e9b", "<slug:name>": "shades", "<uidb64>": "x", "<token>": "x-y"},
    **{"<str:name>": "shades", "<str:number>": "1", "<int:number>": "1", "<path:rest>": "x", "<path:content_type_id>": "1"},
    **{"<path:object_id>": "1", "<id>": "1", "<int:content_type_id>": "1", "<path:url>": "x", "<app_label>": "x"},
}


def list_urls(arguments=EXAMPLE_ARGUMENTS):
    """Yield a URL of every route whose arguments are known."""
    for route, _ in list_routes():
        url = fill_route(route, arguments)
        if "(?P" not in url:
            yield url


def fill_route(route, arguments=EXAMPLE_ARGUMENTS):
    """Return the URL of a route with an example of each argument."""
    url = "/" + route.replace("^", "").replace("$", "")
    for pattern, value in arguments.items():
        url = url.replace(pattern, value)
    return url
