"""Whether the site offers the tour."""

from django.conf import settings
from django.http import HttpRequest


def tour(request: HttpRequest) -> dict[str, bool]:
    return {"tour": settings.TOUR}
