"""Log and measure requests, limit the size of their bodies, and redirect to URLs with a trailing slash."""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Callable
from time import perf_counter

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.common import CommonMiddleware
from django.urls import Resolver404, resolve
from django.utils.functional import SimpleLazyObject
from prometheus_client import Counter, Histogram

from core.streamed_uploads import StreamingUploadHandler
from mlsite import errors
from predictions.metrics import LATENCY_BUCKETS_SECONDS

logger = logging.getLogger("mlsite.request")

GetResponse = Callable[[HttpRequest], HttpResponse]
REQUEST_ID_PATTERN = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
BATCH_JOB_PATH = "/batch-jobs/"  # part of all routes that accept large uploads; other paths are not resolved twice
BODY_TIMEOUT_SECONDS = 10  # maximum time between two parts of a request body
BATCH_PATH = "/api/v1/predictions/batch/"  # accepts larger bodies
KNOWN_METHODS = {
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "OPTIONS",
}  # others share one label value, to limit the number of time series

REQUESTS = Counter("mlsite_http_requests", "Number of HTTP requests.", ["method", "route", "status"])
REQUEST_SECONDS = Histogram(
    "mlsite_http_request_seconds",
    "Duration of HTTP requests in seconds.",
    ["method", "route"],
    buckets=LATENCY_BUCKETS_SECONDS,
)


class RequestLogMiddleware:
    """Log and count each request. Query strings and headers are not logged, because they can contain secrets."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = perf_counter()
        client_id = request.META.get("HTTP_X_REQUEST_ID", "")
        request_id = client_id if REQUEST_ID_PATTERN.fullmatch(client_id) else uuid.uuid4().hex
        response = self.get_response(request)
        response["X-Request-ID"] = request_id
        self._record_request(request, response, request_id, perf_counter() - started)
        return response

    def _record_request(self, request: HttpRequest, response: HttpResponse, request_id: str, seconds: float) -> None:
        match = request.resolver_match
        route = match.route if match else "none"
        method = request.method if request.method in KNOWN_METHODS else "other"
        REQUESTS.labels(method, route, response.status_code).inc()
        REQUEST_SECONDS.labels(method, route).observe(seconds)
        logger.info(
            "request",
            extra={
                "request_id": request_id,
                "method": method,
                # The path of a password reset contains its token.
                "path": f"/{route}" if match and "token" in match.kwargs else request.path,
                "route": route,
                "status": response.status_code,
                "ms": round(seconds * 1000, 1),
                "user": _get_user_id(request),
            },
        )


class AppendSlashMiddleware(CommonMiddleware):
    """Redirect GET and HEAD requests to the URL with a trailing slash. A redirected POST would become a GET."""

    def should_redirect_with_slash(self, request: HttpRequest) -> bool:
        return request.method in ("GET", "HEAD") and super().should_redirect_with_slash(request)


class RequestSizeMiddleware:
    """Reject a request by its Content-Length before its body is read."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if connection := request.META.get("gunicorn.socket"):
            connection.settimeout(BODY_TIMEOUT_SECONDS)  # a stalled upload must not occupy the thread
        if "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower():
            detail = "Chunked transfer encoding is not supported. Send a Content-Length header."
            return errors.build_error_response(request, code="length-required", detail=detail)
        length = request.META.get("CONTENT_LENGTH") or "0"
        limit_bytes = self._get_limit_bytes(request)
        if request.content_type == "multipart/form-data" and _accepts_large_uploads(request):
            request.upload_handlers = [StreamingUploadHandler(request)]
            limit_bytes = settings.MAX_BATCH_FILE_BYTES + settings.FORM_OVERHEAD_BYTES
        if not (length.isascii() and length.isdigit()) or int(length) > limit_bytes:
            return errors.request_too_large(request, limit_bytes)
        return self.get_response(request)

    def _get_limit_bytes(self, request: HttpRequest) -> int:
        if request.path_info == BATCH_PATH:
            is_form = request.content_type == "multipart/form-data"
            return settings.MAX_BATCH_BYTES + settings.FORM_OVERHEAD_BYTES if is_form else settings.MAX_BATCH_JSON_BYTES
        if request.content_type != "multipart/form-data":
            return settings.MAX_JSON_BYTES
        file_bytes = settings.MAX_UPLOAD_BYTES if errors.is_api_request(request) else settings.MAX_FORM_BYTES
        return file_bytes + settings.FORM_OVERHEAD_BYTES


def _accepts_large_uploads(request: HttpRequest) -> bool:
    if request.method != "POST" or BATCH_JOB_PATH not in request.path_info:
        return False
    try:
        return resolve(request.path_info).view_name in settings.LARGE_UPLOAD_ROUTES
    except Resolver404:
        return False


def _get_user_id(request: HttpRequest) -> str:
    """Return the ID of the user if the view has loaded the user. Logging must not cause a database query."""
    user = request.__dict__.get("user")
    if isinstance(user, SimpleLazyObject):
        user = getattr(request, "_cached_user", None)
    return str(user.pk) if user is not None and user.pk else ""
