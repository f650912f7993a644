"""Template variables of the demo app."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def tour(request: HttpRequest) -> dict[str, bool]:
    """Add the variable `tour`: whether the site has a tour."""
    return {"tour": settings.TOUR}
