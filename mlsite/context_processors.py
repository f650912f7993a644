"""Template variables that every page can use."""

from __future__ import annotations

from django.http import HttpRequest

from mlsite import __version__


def version(request: HttpRequest) -> dict[str, str]:
    """Add the version of mlsite."""
    return {"mlsite_version": __version__}
