"""Every API answer of 400 and above is a problem (RFC 9457). This is where errors become one, and nowhere else."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, JsonResponse, UnreadablePostError
from rest_framework import exceptions

from inference import errors as inference
from predictions.registry import InactiveModel, UnknownModel
from predictions.services.files import StoredFileError
from predictions.services.review import NotReviewable
from predictions.storage import StorageFull

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
RETRY_AFTER = 2  # seconds
INVALID = "invalid"

# The first class that an error is an instance of decides.
STATUS_OF: tuple[tuple[type[Exception], int], ...] = (
    (UnknownModel, 404),
    (InactiveModel, 409),
    (NotReviewable, 409),
    (inference.ImageTooLarge, 413),
    (inference.UnsupportedFormat, 415),
    (inference.InvalidInput, 400),
    (inference.Overloaded, 503),
    (inference.InferenceTimeout, 503),
    (inference.ArtifactMismatch, 409),
    (inference.ModelUnavailable, 503),
    (inference.InferenceError, 500),
)
# A failed prediction is kept by its code; this is the status it is reported with.
STATUS_OF_CODE = {error.code: status for error, status in reversed(STATUS_OF) if issubclass(error, inference.InferenceError)}
# Errors of Django, the database and the disk: class, status, code, detail.
OF_PLATFORM: tuple[tuple[type[Exception], int, str, str], ...] = (
    (Http404, 404, "not-found", "There is no such thing, or it is not yours."),
    (PermissionDenied, 403, "permission-denied", "You may not do this."),
    (StorageFull, 507, "storage-full", "There is no space left for uploads. Nothing was stored; try again later."),
    (OperationalError, 503, "database-unavailable", "The database cannot be reached. Try again in a moment."),
    (InterfaceError, 503, "database-unavailable", "The database cannot be reached. Try again in a moment."),
    (RequestDataTooBig, 413, "request-too-large", "The request is too large."),
    (SuspiciousOperation, 400, "malformed-request", "The request has too many parts, or parts that make no sense."),
    (UnreadablePostError, 400, "malformed-request", "The request ended before its body did."),
)
HINTS = {
    "not_authenticated": "Send the header Authorization: Bearer <token>, or sign in.",
    "unsupported_media_type": "Send multipart/form-data, as curl -F image=@picture.png does, or JSON.",
}
REST_CODES = {
    "not_authenticated": "not-authenticated",
    "authentication_failed": "authentication-failed",
    "permission_denied": "permission-denied",
    "not_found": "not-found",
    "method_not_allowed": "method-not-allowed",
    "not_acceptable": "not-acceptable",
    "unsupported_media_type": "unsupported-media-type",
    "parse_error": "malformed-request",
    "throttled": "throttled",
    "error": "internal-error",
}


def problem_response(
    *,
    status: int,
    code: str,
    detail: str,
    errors: Iterable[Mapping[str, Any]] = (),
    headers: Mapping[str, str] | None = None,
    **extensions: Any,
) -> JsonResponse:
    """Return `application/problem+json`.

    Args:
        code: stable, for programs; the documentation of the API lists them.
        detail: a sentence that says what would be right.
        errors: of single fields, each with field, code and detail.
        extensions: further members, such as the prediction that failed.
    """
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "errors": list(errors),
        **extensions,
    }
    if status in (429, 503):
        headers = {"Retry-After": str(RETRY_AFTER), **(headers or {})}
    return JsonResponse(body, status=status, content_type=CONTENT_TYPE, headers=headers)


def problem_handler(error: Exception, context: Mapping[str, Any]) -> JsonResponse | None:
    """Translate an error raised in an API view; None lets it climb to the 500 handler, which logs it."""
    if isinstance(error, exceptions.ValidationError):
        return _of_validation(error)
    if isinstance(error, exceptions.APIException):
        return _of_rest_framework(error)
    if isinstance(error, inference.InferenceError):
        return _of_inference(error)
    return _of_platform(error)


def _of_validation(error: exceptions.ValidationError) -> JsonResponse:
    errors = list(_flatten(error.get_full_details()))
    single = errors[0] if len(errors) == 1 else None
    return problem_response(
        status=400,
        code=single["code"] if single else INVALID,
        detail=single["detail"] if single else " ".join(f"{item['field']}: {item['detail']}" for item in errors),
        errors=errors,
    )


def _flatten(details: Any, field: str = "") -> Iterable[dict[str, str]]:
    """Yield one entry per message of REST framework's nested error details."""
    if isinstance(details, list):
        for item in details:
            yield from _flatten(item, field)
    elif isinstance(details, dict) and details.keys() == {"message", "code"} and isinstance(details["message"], str):
        yield {"field": field, "code": str(details["code"]).replace("_", "-"), "detail": str(details["message"])}
    else:
        for name, item in details.items():
            yield from _flatten(item, str(name) if name != "non_field_errors" else "")


def _of_rest_framework(error: exceptions.APIException) -> JsonResponse:
    code = str(error.get_codes())
    headers = {}
    if header := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = header
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(int(wait) + 1)
    detail = str(error.detail)
    if detail.startswith("CSRF Failed"):
        code, detail = "csrf-failed", f"{detail} Send the X-CSRFToken header with a session, or use a token."
    detail = f"{detail} {HINTS.get(code, '')}".strip()
    return problem_response(status=error.status_code, code=REST_CODES.get(code, code), detail=detail, headers=headers)


def _of_inference(error: inference.InferenceError) -> JsonResponse:
    status = next(status for kind, status in STATUS_OF if isinstance(error, kind))
    if isinstance(error, inference.InvalidFeatures):
        errors = [_item(one, f"features.{one.field}") for one in error.errors]
    else:
        field = getattr(error, "field", "")
        errors = [_item(error, field)] if field else []
    return problem_response(status=status, code=error.code, detail=error.message, errors=errors)


def _item(error: inference.InferenceError, field: str) -> dict[str, str]:
    return {"field": field, "code": error.code, "detail": error.message}


def _of_platform(error: Exception) -> JsonResponse | None:
    if isinstance(error, StoredFileError):
        return problem_response(status=500, code=error.code, detail=error.message)
    for kind, status, code, detail in OF_PLATFORM:
        if isinstance(error, kind):
            if status >= 500:
                logger.error(code, exc_info=error)
            return problem_response(status=status, code=code, detail=detail)
    return None
