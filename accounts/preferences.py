"""What users choose for their pages: language, time zone, theme, and page size. Without a choice, the browser decides."""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone, translation
from django.utils.translation import gettext as _

PAGE_SIZES = (25, 50, 100, 200)
TIME_ZONE_COOKIE = "time_zone"  # static/mlsite/times.js sets it to the time zone of the browser
LANGUAGE_COOKIE_SECONDS = 365 * 24 * 3600
DEFAULT_TIME_ZONE = ZoneInfo("UTC")
OBSOLETE_REGIONS = ("Etc", "SystemV", "US", "Brazil", "Canada", "Chile", "Mexico")


@lru_cache(maxsize=1)
def list_time_zones() -> tuple[str, ...]:
    """Return the names of the time zones that can be chosen: UTC, and those named after places."""
    places = (name for name in available_timezones() if "/" in name and name.partition("/")[0] not in OBSOLETE_REGIONS)
    return ("UTC", *sorted(places))


def find_time_zone(name: str) -> ZoneInfo | None:
    """Return a time zone that can be chosen, or None."""
    return ZoneInfo(name) if name in list_time_zones() else None


def validate_time_zone(name: str) -> None:
    """Check the name of a time zone.

    Raises:
        ValidationError: it cannot be chosen.
    """
    if find_time_zone(name) is None:
        raise ValidationError(_("Choose a time zone from the list."), code="invalid")


def validate_language(code: str) -> None:
    """Check the code of a language.

    Raises:
        ValidationError: there is no translation.
    """
    if code not in dict(settings.LANGUAGES):
        raise ValidationError(_("Choose a language from the list."), code="invalid")


def find_user(request: HttpRequest) -> Any:
    """Return the signed-in user, or None."""
    user = getattr(request, "user", None)
    return user if user is not None and user.is_authenticated else None


def get_time_zone(request: HttpRequest) -> ZoneInfo:
    """Return the time zone of the account, or else of the browser. It is UTC if neither is known."""
    user = find_user(request)
    names = (user.time_zone if user else "", request.COOKIES.get(TIME_ZONE_COOKIE, ""))
    return next((zone for name in names if name and (zone := find_time_zone(name))), DEFAULT_TIME_ZONE)


def get_page_size(request: HttpRequest, *, default: int) -> int:
    """Return how many rows a list shows on one page."""
    user = find_user(request)
    return (user.page_size if user else None) or default


def activate_preferences(request: HttpRequest) -> None:
    """Use the language of the account and the reader's time zone for the rest of a request."""
    user = find_user(request)
    if user and user.language in dict(settings.LANGUAGES):
        translation.activate(user.language)
        request.LANGUAGE_CODE = translation.get_language()
    timezone.activate(get_time_zone(request))


def set_language_cookie(request: HttpRequest, response: HttpResponseBase, language: str) -> None:
    """Store a language in the browser, for pages that are built without an account."""
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=LANGUAGE_COOKIE_SECONDS,
        path=settings.LANGUAGE_COOKIE_PATH,
        samesite="Lax",
        secure=request.is_secure(),
    )


def remember_language(request: HttpRequest, response: HttpResponseBase) -> None:
    """Store the language of the account in the browser: for the sign-in page, and for errors before the session is read."""
    user = find_user(request)
    if user and user.language and request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME) != user.language:
        set_language_cookie(request, response, user.language)
