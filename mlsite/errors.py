"""Error handlers for requests outside API views: problem details for URLs under /api/, HTML pages for all others.

URLs under /v2 have the errors of the Open Inference Protocol.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import Any

from django.contrib.admin.exceptions import DisallowedModelAdminLookup, DisallowedModelAdminToField
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import DisallowedHost, RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.db import DataError, IntegrityError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.middleware.csrf import REASON_NO_CSRF_COOKIE
from django.shortcuts import redirect, render
from django.urls import Resolver404, get_script_prefix, resolve, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.api.problems import CONFLICT_DETAIL, DELETED_DETAIL, RETRY_AFTER_SECONDS, UNSTORABLE_DETAIL, build_problem
from core.errors import STATUS_BY_CODE
from core.formatting import format_bytes
from core.locks import RowDeleted
from core.storage_errors import find_storage_error
from mlsite.logging_config import LogInterval, current_request_id
from predictions.api.v2.errors import build_error, is_v2_request

GetResponse = Callable[[HttpRequest], HttpResponse]

logger = logging.getLogger(__name__)

SIGN_IN_VIEWS = ("accounts:login", "accounts:signup")
MAX_HOST_CHARACTERS = 100
HOST_LOG_SECONDS = 60
BAD_REQUEST_DETAILS: dict[type[Exception], Any] = {
    TooManyFieldsSent: _("The request has too many fields. Send fewer fields."),
    TooManyFilesSent: _("The request has too many files. Send fewer files, or create a batch job."),
    DisallowedModelAdminLookup: _("This list has no such filter. Remove it from the address."),
    DisallowedModelAdminToField: _("This list has no such field. Remove _to_field from the address."),
}
_host_log = LogInterval(HOST_LOG_SECONDS)


def is_api_request(request: HttpRequest) -> bool:
    return request.path_info.startswith("/api/") or request.path_info == "/api"


def is_program_request(request: HttpRequest) -> bool:
    """Return whether the request is for the REST API or the Open Inference Protocol."""
    return is_api_request(request) or is_v2_request(request)


def build_error_response(request: HttpRequest, *, code: str, detail: str) -> HttpResponse:
    """Return problem details for an API request, a V2 error, or an HTML page, with the status of the code."""
    status = STATUS_BY_CODE[code]
    if is_api_request(request):
        return build_problem(status=status, code=code, detail=detail)
    if is_v2_request(request):
        return build_error(status=status, message=detail)
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(detail, status=status, content_type="text/plain; charset=utf-8")  # shown next to the form
    context = {"status": status, "code": code, "detail": detail, "request_id": current_request_id.get()}
    response = render(request, "error.html", context, status=status)
    if status == 503:
        response["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, RequestDataTooBig):
        return request_too_large(request)
    if isinstance(exception, DisallowedHost):
        return unknown_host(request)
    details = (str(text) for kind, text in BAD_REQUEST_DETAILS.items() if isinstance(exception, kind))
    malformed = gettext("The request is malformed and was not processed. Go back, reload the page, and try again.")
    detail = next(details, malformed)
    return build_error_response(request, code="malformed-request", detail=detail)


def unknown_host(request: HttpRequest) -> HttpResponse:
    """Return a 400 that names the host, and log it for the operator, at most once a minute."""
    host = str(request.META.get("HTTP_HOST", ""))[:MAX_HOST_CHARACTERS]
    if _host_log.is_due():
        logger.warning("unknown host", extra={"host": host, "hint": "Add the name to ALLOWED_HOSTS, or fix the proxy."})
    detail = gettext(
        "This site does not serve the host %(host)r. Use another address. Operators: add the name to ALLOWED_HOSTS."
    ) % {"host": host}
    return build_error_response(request, code="unknown-host", detail=detail)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return a 403 with the text of the exception, for example "You don't have permission. Reviewers only."."""
    detail = str(exception) or gettext("You don't have permission to do this.")
    return build_error_response(request, code="permission-denied", detail=detail)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Return a 403 that depends on Django's reason.

    The second click of a double click on *Sign in* or *Sign up* has the token that the first one has replaced. It opens the
    page again, which redirects signed-in users.
    """
    user: Any = getattr(request, "user", None)
    if user is not None and user.is_authenticated and request.path in (reverse(name) for name in SIGN_IN_VIEWS):
        return redirect(request.get_full_path())
    detail = gettext("The form has expired. Go back, reload the page, and submit the form again.")
    if reason == REASON_NO_CSRF_COOKIE:
        detail = gettext(
            "The browser sent no cookie. Allow cookies for this site, reload the page, and submit the form again."
        )
    elif reason.startswith(("Origin checking failed", "Referer checking failed")):
        detail = gettext(
            "The form was sent from another site or over another protocol. Open the page on this site, and submit the form "
            "there. Operators: see HTTPS and CSRF_TRUSTED_ORIGINS."
        )
    return build_error_response(request, code="csrf-failed", detail=detail)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return a 404 that does not reveal whether an object exists."""
    if isinstance(exception, RowDeleted):
        return build_error_response(request, code="not-found", detail=gettext(DELETED_DETAIL))
    is_program = is_program_request(request)
    detail = "Not found, or you don't have access." if is_program else gettext("Page not found, or you don't have access.")
    if request.resolver_match is None:
        path = find_similar_path(request.path_info)
        hint = gettext("There is no such URL. Use %(path)s instead.") % {"path": f"{get_script_prefix()[:-1]}{path}"}
        detail = hint if path else gettext("There is no such URL. Check its spelling.")
    return build_error_response(request, code="not-found", detail=detail)


def find_similar_path(path: str) -> str:
    """Return the URL that exists with another slash at its end, or an empty string."""
    other = path.removesuffix("/") if path.endswith("/") else f"{path}/"
    try:
        resolve(other)
    except Resolver404:
        return ""
    return other


def raise_not_found(request: HttpRequest, **kwargs: str) -> HttpResponse:
    raise Http404


def request_too_large(request: HttpRequest, limit_bytes: int = 0) -> HttpResponse:
    detail = gettext("The request is too large.")
    if limit_bytes:
        detail = gettext("The request is too large. The limit is %(limit)s.") % {"limit": format_bytes(limit_bytes)}
    return build_error_response(request, code="request-too-large", detail=detail)


def server_error(request: HttpRequest) -> HttpResponse:
    """Return a 503 if the database or the storage is unavailable, and a 500 for every other unhandled exception."""
    error = sys.exc_info()[1]
    request.user = AnonymousUser()  # loading the user would query the database, which may be unavailable
    if storage_error := find_storage_error(error):
        detail = gettext("%(problem)s Try again later.") % {"problem": storage_error}
        return build_error_response(request, code=storage_error.code, detail=detail)
    if isinstance(error, OperationalError | InterfaceError):
        detail = gettext("The database is unavailable. Try again in a moment.")
        return build_error_response(request, code="database-unavailable", detail=detail)
    for kind, code, detail in (
        (IntegrityError, "conflict", CONFLICT_DETAIL),
        (DataError, "unstorable-value", UNSTORABLE_DETAIL),
    ):
        if isinstance(error, kind):
            return build_error_response(request, code=code, detail=gettext(detail))
    detail = gettext("An internal error occurred. It has been logged.")
    return build_error_response(request, code="internal-error", detail=detail)
