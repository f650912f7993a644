"""Settings that every template may need."""

from django.conf import settings
from django.http import HttpRequest


def signup(request: HttpRequest) -> dict[str, bool]:
    return {"allow_signup": settings.ALLOW_SIGNUP}
