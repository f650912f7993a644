"""Select the language and the time zone of each page. The API, the schema, and the health checks are in English and UTC."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.utils import timezone, translation

from accounts.preferences import activate_preferences, remember_language

ENGLISH_PREFIXES = ("/api/", "/v2", "/healthz", "/readyz", "/metrics")
PAGE_PREFIX = "/api/docs/"  # a page, unlike the other URLs below /api/
SHARED_PREFIXES = ("/static/", "/i18n.js")  # the same for each reader


def is_english(path: str) -> bool:
    """Return whether the responses of a URL are always in English."""
    return path.startswith(ENGLISH_PREFIXES) and not path.startswith(PAGE_PREFIX)


class LanguageMiddleware(LocaleMiddleware):
    """Activate the language of the browser, and UTC. This comes first, because errors of other middleware are pages too.

    The codes and texts of problem details are a contract, so that `Accept-Language` does not change them.
    """

    def process_request(self, request: HttpRequest) -> None:
        timezone.deactivate()  # the thread has that of the request before
        if is_english(request.path_info):
            translation.activate(settings.LANGUAGE_CODE)
            request.LANGUAGE_CODE = settings.LANGUAGE_CODE
            return
        super().process_request(request)

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if is_english(request.path_info) or request.path_info.startswith(SHARED_PREFIXES):
            return response
        return super().process_response(request, response)


class PreferencesMiddleware:
    """Activate the language of the account, and the time zone of the account or of the browser, for pages."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if is_english(request.path_info) or request.path_info.startswith(SHARED_PREFIXES):
            return self.get_response(request)
        activate_preferences(request)
        response = self.get_response(request)
        remember_language(request, response)
        return response
