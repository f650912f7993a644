"""With `REQUIRE_SECOND_FACTOR`, let users without a second factor only set one up. Requests with an API token need none."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext

from accounts.second_factor import SESSION_KEY, is_required
from mlsite import errors

# Pages that a user without a second factor can open.
OPEN_VIEWS = frozenset(
    {
        "accounts:second_factor",
        "accounts:second_factor_set_up",
        "accounts:logout",
        "accounts:login",
        "accounts:language",
        "javascript-catalog",
        "manifest",
        "healthz",
        "readyz",
    }
)


class SecondFactorMiddleware:
    """Redirect to the page that sets up a second factor. Scripts and programs get a 403."""

    def __init__(self, get_response: errors.GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *arguments: Any) -> HttpResponse | None:
        user: Any = getattr(request, "user", None)  # requests with a token have none
        match = request.resolver_match
        if user is None or match is None or match.view_name in OPEN_VIEWS or not user.is_authenticated:
            return None
        if not is_required(user) or request.session.get(SESSION_KEY):
            return None
        if errors.is_program_request(request) or request.headers.get("HX-Request") == "true":
            detail = gettext("This site requires a second factor. Set it up on the page of your account.")
            return errors.build_error_response(request, code="permission-denied", detail=detail)
        return redirect("accounts:second_factor")
