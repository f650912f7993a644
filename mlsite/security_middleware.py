"""Refuse requests whose meaning would change silently, and keep responses with personal data out of caches."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _

from accounts.unsent_forms import read_form, store_form
from mlsite import errors
from predictions.filters import REPEATABLE_FILTERS

SAFE_METHODS = ("GET", "HEAD")
READ_METHODS = (*SAFE_METHODS, "OPTIONS", "TRACE")
PRIVATE = "private, no-store"
HTTPS_DETAIL = _("This site requires HTTPS. Use a URL that starts with https://. The request was not processed.")
TOKEN_DETAIL = "The token was sent without encryption: revoke it, and create a new one."  # noqa: S105  a text
PASSWORD_DETAIL = _("Open the page again with https://, and submit the form there.")
REPEATED_DETAIL = "The query parameter {!r} occurs more than once. Send it once."
FILTERED_PATHS = ("/api/v1/predictions/", "/api/v1/predictions/export/")
MAX_QUOTED_CHARACTERS = 100
SESSION_DETAIL = _("You are signed out, and nothing was saved. Sign in, then submit the form again.")
STORED_FORM_DETAIL = _("You are signed out, and nothing was saved yet. Sign in to continue with what you have entered.")
TAB_DETAIL = _("You are signed out, and nothing was saved. Sign in in another tab, then submit the form again.")


class HttpsMiddleware:
    """With `HTTPS=true`, refuse requests over HTTP whose body Django's SecurityMiddleware would drop in a redirect.

    A client that follows the redirect of a POST sends a GET (RFC 9110, section 15.4.2), and a program that sends its token
    over HTTP would never notice.
    """

    def __init__(self, get_response: errors.GetResponse) -> None:
        self.get_response = get_response
        self._exempt = [re.compile(pattern) for pattern in settings.SECURE_REDIRECT_EXEMPT]

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.SECURE_SSL_REDIRECT and not request.is_secure() and not self._is_exempt(request):
            has_token = "HTTP_AUTHORIZATION" in request.META
            if request.method not in SAFE_METHODS or (has_token and errors.is_program_request(request)):
                return refuse_http(request, has_token=has_token)
        return self.get_response(request)

    def _is_exempt(self, request: HttpRequest) -> bool:
        return any(pattern.search(request.path.lstrip("/")) for pattern in self._exempt)


def refuse_http(request: HttpRequest, *, has_token: bool) -> HttpResponse:
    """Return a 403 that describes what to do."""
    advice = TOKEN_DETAIL if has_token else "" if errors.is_program_request(request) else PASSWORD_DETAIL
    return errors.build_error_response(request, code="https-required", detail=f"{HTTPS_DETAIL} {advice}".strip())


class RepeatedParameterMiddleware:
    """Refuse API requests with a repeated query parameter, because only the last one would have an effect.

    Some filters of lists of predictions can be given several times.
    """

    def __init__(self, get_response: errors.GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        is_api = "&" in request.META.get("QUERY_STRING", "") and errors.is_program_request(request)
        if is_api and (name := find_repeated_name(request)):
            return errors.build_error_response(request, code="repeated-parameter", detail=REPEATED_DETAIL.format(name))
        return self.get_response(request)


def find_repeated_name(request: HttpRequest) -> str:
    """Return a query parameter that must not occur more than once but does, or an empty string."""
    is_filtered = request.method in SAFE_METHODS and request.path_info in FILTERED_PATHS
    allowed: frozenset[str] = REPEATABLE_FILTERS if is_filtered else frozenset()
    names = (name for name, values in request.GET.lists() if len(values) > 1 and name not in allowed)
    return next(names, "")[:MAX_QUOTED_CHARACTERS]


class PrivateResponseMiddleware:
    """Let no cache store responses with personal data, unless a view has its own rule.

    These are all responses of the API, all responses to signed-in users, and all that set a cookie. Responses to visitors
    without a session are the same for all of them.
    """

    def __init__(self, get_response: errors.GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if "Cache-Control" not in response.headers and is_personal(request, response):
            response.headers["Cache-Control"] = PRIVATE
        return response


def is_personal(request: HttpRequest, response: HttpResponse) -> bool:
    """Return whether a response can depend on the user."""
    return bool(
        settings.SESSION_COOKIE_NAME in request.COOKIES
        or "HTTP_AUTHORIZATION" in request.META
        or response.cookies
        or errors.is_program_request(request)
        or request.path_info.startswith("/admin/")
    )


class SessionEndMiddleware:
    """Report that a form was not processed if it was sent without a session.

    Otherwise, the browser would open the URL of the form with GET after the sign-in, as if the form had been accepted. htmx
    gets the error as text, and the page keeps the content of the form. Others are redirected, with a message, to sign in.
    Then they can submit what they have entered, or return to the page of the form if it is too large or has no content.
    """

    def __init__(self, get_response: errors.GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        response = self.get_response(request)
        user: Any = getattr(request, "user", None)  # requests with a token have none
        if request.method in READ_METHODS or response.status_code != 302 or user is None or user.is_authenticated:
            return response
        sign_in_paths = resolve_url(settings.LOGIN_URL), reverse("admin:login")  # the latter redirects to the former
        if not response["Location"].startswith(tuple(f"{path}?" for path in sign_in_paths)):
            return response
        if request.headers.get("HX-Request") == "true":
            return errors.build_error_response(request, code="session-ended", detail=str(TAB_DETAIL))
        page = find_form_path(request)
        form = read_form(request, page=page)
        redirection = redirect_to_login(reverse("accounts:unsent_form"))
        if form and form.list_entries() and store_form(redirection, form):
            messages.warning(request, STORED_FORM_DETAIL)
            return redirection
        messages.warning(request, SESSION_DETAIL)
        return redirect_to_login(page)


def find_form_path(request: HttpRequest) -> str:
    """Return the path of the page that contained a form, or that of the home page."""
    referer = request.headers.get("Referer", "")
    if url_has_allowed_host_and_scheme(referer, {request.get_host()}):
        parts = urlsplit(referer)
        return parts.path + (f"?{parts.query}" if parts.query else "")
    return resolve_url(settings.LOGIN_REDIRECT_URL)
