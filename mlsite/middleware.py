"""Log and measure requests, limit the size of their bodies, and accept URLs without the trailing slash."""

from __future__ import annotations

import logging
import re
import uuid
from time import perf_counter

from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.middleware.common import CommonMiddleware
from django.utils.functional import SimpleLazyObject
from prometheus_client import Counter, Histogram

from core.streamed_uploads import StreamingUploadHandler
from mlsite import errors
from mlsite.logging_config import current_request_id, mask_reset_links
from mlsite.request_body import (
    ACCEPTED_ENCODINGS,
    BodyError,
    BodyTooLarge,
    accepts_large_files,
    check_boundary,
    check_charset,
    decompress_body,
    get_body_limit,
    read_chunked_body,
    release_body,
)
from mlsite.security_middleware import SAFE_METHODS
from predictions.metrics import LATENCY_BUCKETS_SECONDS, get_series

logger = logging.getLogger("mlsite.request")

REQUEST_ID_PATTERN = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
BODY_TIMEOUT_SECONDS = 10  # maximum time between two parts of a request body
# Others share one label value, to limit the number of time series.
KNOWN_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

REQUESTS = Counter("mlsite_http_requests", "Number of HTTP requests.", ["method", "route", "status"])
REQUEST_SECONDS = Histogram(
    "mlsite_http_request_seconds",
    "Duration of HTTP requests in seconds.",
    ["method", "route"],
    buckets=LATENCY_BUCKETS_SECONDS,
)


class RequestLogMiddleware:
    """Log and count each request. Query strings and headers are not logged, because they can contain secrets."""

    def __init__(self, get_response: errors.GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = perf_counter()
        client_id = request.META.get("HTTP_X_REQUEST_ID", "")
        request_id = client_id if REQUEST_ID_PATTERN.fullmatch(client_id) else uuid.uuid4().hex
        token = current_request_id.set(request_id)
        try:
            response = self.get_response(request)
            response["X-Request-ID"] = request_id
            self._record_request(request, response, perf_counter() - started)
        finally:
            current_request_id.reset(token)
        return response

    def _record_request(self, request: HttpRequest, response: HttpResponse, seconds: float) -> None:
        match = request.resolver_match
        route = match.route if match else "none"
        method = request.method if request.method in KNOWN_METHODS else "other"
        get_series(REQUESTS, method, route, response.status_code).inc()
        get_series(REQUEST_SECONDS, method, route).observe(seconds)
        logger.info(
            "request",
            extra={
                "method": method,
                "path": mask_reset_links(request.path),
                "route": route,
                "status": response.status_code,
                "ms": round(seconds * 1000, 1),
                "user": _get_user_id(request),
            },
        )


class AppendSlashMiddleware(CommonMiddleware):
    """Accept URLs without the trailing slash.

    GET and HEAD requests are redirected. A redirected POST would become a GET, so other requests to the API are handled as
    if they had the slash.
    """

    def process_request(self, request: HttpRequest) -> HttpResponsePermanentRedirect | None:
        is_changed = request.method not in SAFE_METHODS and errors.is_api_request(request)
        if is_changed and super().should_redirect_with_slash(request):
            request.path += "/"
            request.path_info += "/"
        return super().process_request(request)

    def should_redirect_with_slash(self, request: HttpRequest) -> bool:
        return request.method in SAFE_METHODS and super().should_redirect_with_slash(request)


class RequestSizeMiddleware:
    """Reject a request by its Content-Length before its body is read. Read chunked and compressed bodies up to the limit."""

    def __init__(self, get_response: errors.GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if connection := request.META.get("gunicorn.socket"):
            connection.settimeout(BODY_TIMEOUT_SECONDS)  # a stalled upload must not occupy the thread
        limit_bytes = get_body_limit(request)
        if accepts_large_files(request):
            request.upload_handlers = [StreamingUploadHandler(request)]
        try:
            self._prepare_body(request, limit_bytes)
        except BodyTooLarge:
            return errors.request_too_large(request, limit_bytes)
        except BodyError as error:
            response = errors.build_error_response(request, code=error.code, detail=error.detail)
            if error.code == "unsupported-content-encoding":
                response["Accept-Encoding"] = ACCEPTED_ENCODINGS  # RFC 9110, section 15.5.16
            return response
        try:
            return self.get_response(request)
        finally:
            release_body(request)

    def _prepare_body(self, request: HttpRequest, limit_bytes: int) -> None:
        check_charset(request)
        if "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower():
            read_chunked_body(request, limit_bytes)
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not (length.isascii() and length.isdigit()) or int(length) > limit_bytes:
            raise BodyTooLarge
        if int(length):
            check_boundary(request)
        encoding = request.META.get("HTTP_CONTENT_ENCODING")
        is_empty = int(length) == 0 and request.method in SAFE_METHODS  # some clients set the header for all requests
        if encoding and not is_empty:
            decompress_body(request, encoding, limit_bytes)


def _get_user_id(request: HttpRequest) -> str:
    """Return the ID of the user if the view has loaded the user. Logging must not cause a database query."""
    user = request.__dict__.get("user")
    if isinstance(user, SimpleLazyObject):
        user = getattr(request, "_cached_user", None)
    return str(user.pk) if user is not None and user.pk else ""
