"""Select the language of each page. The API, the schema, and the health checks are always in English."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.utils import translation

ENGLISH_PREFIXES = ("/api/v1/", "/api/schema/", "/v2", "/healthz", "/readyz", "/metrics")


class LanguageMiddleware(LocaleMiddleware):
    """Activate the language of the account, or else of the browser.

    The codes and texts of problem details are a contract, so that `Accept-Language` does not change them.
    """

    def process_request(self, request: HttpRequest) -> None:
        if request.path_info.startswith(ENGLISH_PREFIXES):
            translation.activate(settings.LANGUAGE_CODE)
            request.LANGUAGE_CODE = settings.LANGUAGE_CODE  # type: ignore[attr-defined]
            return
        super().process_request(request)

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if request.path_info.startswith(ENGLISH_PREFIXES):
            return response
        return super().process_response(request, response)
