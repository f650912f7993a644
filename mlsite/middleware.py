"""One log line and one measurement for each request, and the outer limits of its size."""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Callable
from time import perf_counter

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.common import CommonMiddleware
from django.utils.functional import SimpleLazyObject
from prometheus_client import Counter, Histogram

from mlsite import errors
from predictions.metrics import LATENCY_BUCKETS_SECONDS

logger = logging.getLogger("mlsite.request")

GetResponse = Callable[[HttpRequest], HttpResponse]
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
SILENCE = 10  # seconds between two pieces of a body
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

REQUESTS = Counter("mlsite_http_requests", "Requests answered.", ["method", "route", "status"])
REQUEST_SECONDS = Histogram(
    "mlsite_http_request_seconds", "Seconds to answer.", ["method", "route"], buckets=LATENCY_BUCKETS_SECONDS
)


class RequestLogMiddleware:
    """Log id, user, status and milliseconds. Neither query strings nor headers: they can hold secrets."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = perf_counter()
        sent = request.headers.get("X-Request-ID", "")
        request_id = sent if REQUEST_ID.fullmatch(sent) else uuid.uuid4().hex
        response = self.get_response(request)
        response["X-Request-ID"] = request_id
        self._report(request, response, request_id, perf_counter() - started)
        return response

    def _report(self, request: HttpRequest, response: HttpResponse, request_id: str, seconds: float) -> None:
        match = request.resolver_match
        route = match.route if match else "none"
        method = request.method if request.method in METHODS else "other"
        REQUESTS.labels(method, route, response.status_code).inc()
        REQUEST_SECONDS.labels(method, route).observe(seconds)
        logger.info(
            "request",
            extra={
                "request_id": request_id,
                "method": method,
                # The token of a password reset stands in the path.
                "path": f"/{route}" if match and "token" in match.kwargs else request.path,
                "route": route,
                "status": response.status_code,
                "ms": round(seconds * 1000, 1),
                "user": _user_id(request),
            },
        )


class SlashMiddleware(CommonMiddleware):
    """Redirect to the address with a slash what may be asked twice. A POST that is redirected becomes a GET."""

    def should_redirect_with_slash(self, request: HttpRequest) -> bool:
        return request.method in ("GET", "HEAD") and super().should_redirect_with_slash(request)


class RequestSizeMiddleware:
    """Refuse by its length a body that nobody would accept, before a byte of it is read."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if connection := request.META.get("gunicorn.socket"):
            connection.settimeout(SILENCE)  # the thread is ours again when the body stops coming
        if "chunked" in request.headers.get("Transfer-Encoding", "").lower():
            detail = "Send a Content-Length header: a body of unknown length is not read."
            return errors.respond(request, status=411, code="length-required", detail=detail)
        length = request.headers.get("Content-Length") or "0"
        limit = self._limit(request)
        if not (length.isascii() and length.isdigit()) or int(length) > limit:
            return errors.too_large(request, limit)
        return self.get_response(request)

    def _limit(self, request: HttpRequest) -> int:
        if request.content_type != "multipart/form-data":
            return settings.MAX_JSON_BYTES
        limit = settings.MAX_UPLOAD_BYTES if request.path.startswith("/api/") else settings.MAX_FORM_BYTES
        return limit + settings.FORM_OVERHEAD


def _user_id(request: HttpRequest) -> str:
    """Return the user's id if the request came to need it; logging asks the database nothing."""
    user = request.__dict__.get("user")
    if isinstance(user, SimpleLazyObject):
        user = getattr(request, "_cached_user", None)
    return str(user.pk) if user is not None and user.pk else ""
