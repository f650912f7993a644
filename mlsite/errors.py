"""Error handlers for requests outside API views: problem details for URLs under /api/, HTML pages for all others.

URLs under /v2 have the errors of the Open Inference Protocol.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from core.api.problems import RETRY_AFTER_SECONDS, build_problem
from core.errors import STATUS_BY_CODE
from inference.messages import format_bytes
from predictions.api.v2.errors import build_error, is_v2_request

GetResponse = Callable[[HttpRequest], HttpResponse]


def is_api_request(request: HttpRequest) -> bool:
    return request.path.startswith("/api/") or request.path == "/api"


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
    response = render(request, "error.html", {"status": status, "code": code, "detail": detail}, status=status)
    if status == 503:
        response["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, RequestDataTooBig):
        return request_too_large(request)
    detail = "The request is malformed and was not processed."
    return build_error_response(request, code="malformed-request", detail=detail)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return a 403 with the text of the exception, for example "You don't have permission. Reviewers only."."""
    detail = str(exception) or "You don't have permission to do this."
    return build_error_response(request, code="permission-denied", detail=detail)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    detail = "The form has expired or was sent from another site. Go back, reload the page, and submit the form again."
    return build_error_response(request, code="csrf-failed", detail=detail)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return a 404 that does not reveal whether an object exists."""
    detail = f"{'Not' if is_program_request(request) else 'Page not'} found, or you don't have access."
    return build_error_response(request, code="not-found", detail=detail)


def raise_not_found(request: HttpRequest, **kwargs: str) -> HttpResponse:
    raise Http404


def request_too_large(request: HttpRequest, limit_bytes: int = 0) -> HttpResponse:
    limit = f" The limit is {format_bytes(limit_bytes)}." if limit_bytes else ""
    detail = f"The request is too large.{limit}"
    return build_error_response(request, code="request-too-large", detail=detail)


def server_error(request: HttpRequest) -> HttpResponse:
    """Return a 503 if the database is unavailable, and a 500 for every other unhandled exception."""
    request.user = AnonymousUser()  # loading the user would query the database, which may be unavailable
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        detail = "The database is unavailable. Try again in a moment."
        return build_error_response(request, code="database-unavailable", detail=detail)
    detail = "An internal error occurred. It has been logged."
    return build_error_response(request, code="internal-error", detail=detail)
