"""Mixins and responses shared by the views."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.auth.views import redirect_to_login
from django.http import HttpResponse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django_htmx.http import HttpResponseClientRedirect

from accounts.requests import AuthenticatedRequest
from core.api.problems import RETRY_AFTER_SECONDS
from core.errors import get_status
from inference.errors import ModelLoading

ERROR_CODE_HEADER = "Error-Code"
SIGNED_OUT_MESSAGE = _("You are signed out. Sign in in another tab, then try again.")


class HtmxLoginRequiredMixin(LoginRequiredMixin):
    """Require a login of htmx requests too: the sign-in page must not be swapped into the page.

    A GET request opens the sign-in page. Any other request gets a 401 with a message, so that the user loses no input.
    """

    request: AuthenticatedRequest

    def handle_no_permission(self) -> HttpResponse:  # type: ignore[override]
        if not self.request.htmx:
            return super().handle_no_permission()
        if self.request.method == "GET":
            return HttpResponseClientRedirect(redirect_to_login(self.request.get_full_path()).url)
        return build_error_response(SIGNED_OUT_MESSAGE, status=401)


def get_next_url(request: AuthenticatedRequest, *, default: str) -> str:
    """Return the page that contained the button, if it is a page of this site; otherwise the default."""
    url = request.POST.get("next", "")
    hosts, is_secure = {request.get_host()}, request.is_secure()
    is_allowed = url_has_allowed_host_and_scheme(url, allowed_hosts=hosts, require_https=is_secure)
    return url if is_allowed and url.startswith("/") else default


def build_thumbnail_response(thumbnail: bytes, *, content_type: str = "image/webp") -> HttpResponse:
    """Return a small image that the browser of its reader may cache for a day."""
    headers = {
        "Accept-Ranges": "none",
        "Cache-Control": "private, max-age=86400, immutable",
        "X-Content-Type-Options": "nosniff",
    }
    return HttpResponse(thumbnail, content_type=content_type, headers=headers)


def build_thumbnail_error_response(error: Exception) -> HttpResponse:
    """Return the message of an error as text, with the status of its code. A request that gets a 503 can be repeated."""
    status = get_status(error)
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if status == 503 else {}
    return HttpResponse(str(error), status=status, content_type="text/plain", headers=headers)


def build_error_response(message: Any, *, status: int) -> HttpResponse:
    """Return the response to a rejected htmx request. The page shows the message next to the form."""
    return HttpResponse(str(message), status=status, content_type="text/plain; charset=utf-8")


def build_loading_response(error: ModelLoading) -> HttpResponse:
    """Return the response to an htmx request whose model is still loading. The page sends the request again."""
    response = build_error_response(error, status=get_status(error))
    response["Retry-After"], response[ERROR_CODE_HEADER] = str(RETRY_AFTER_SECONDS), error.code
    return response
