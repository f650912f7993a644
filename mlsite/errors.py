"""Errors that Django raises before or outside a view: a problem below /api/, a readable page elsewhere."""

from __future__ import annotations

import sys

from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from core.api.problems import build_problem


def respond(request: HttpRequest, *, status: int, code: str, detail: str) -> HttpResponse:
    """Answer an error in the form that the address calls for."""
    if request.path.startswith("/api/"):
        return build_problem(status=status, code=code, detail=detail)
    response = render(request, "error.html", {"status": status, "detail": detail}, status=status)
    if status == 503:
        response["Retry-After"] = "2"
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, RequestDataTooBig):
        return too_large(request)
    return respond(request, status=400, code="malformed-request", detail="The request is malformed and was not read.")


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return respond(request, status=403, code="permission-denied", detail="You may not see or do this.")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    detail = "This form had expired, or came from another site. Go back, reload the page and send it again."
    return respond(request, status=403, code="csrf-failed", detail=detail)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return respond(request, status=404, code="not-found", detail="There is no such thing, or it is not yours.")


def raise_not_found(request: HttpRequest, **address: str) -> HttpResponse:
    raise Http404


def too_large(request: HttpRequest, limit: int = 0) -> HttpResponse:
    detail = f"The request is larger than {limit:,} bytes." if limit else "The request is too large."
    return respond(request, status=413, code="request-too-large", detail=detail)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer what nobody caught. That the database is away is no fault of the program, and is told as what it is."""
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        detail = "The database cannot be reached. Try again in a moment."
        return _respond_anonymously(request, status=503, code="database-unavailable", detail=detail)
    detail = "Something went wrong here, not with you. The error has been logged."
    return _respond_anonymously(request, status=500, code="internal-error", detail=detail)


def _respond_anonymously(request: HttpRequest, *, status: int, code: str, detail: str) -> HttpResponse:
    """Answer without asking who the user is: the database may be what is broken."""
    from django.contrib.auth.models import AnonymousUser

    request.user = AnonymousUser()
    return respond(request, status=status, code=code, detail=detail)
