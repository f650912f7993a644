"""Problem details (RFC 9457). Every API response with a status of 400 or above is built here."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from django.core.exceptions import (
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, OperationalError
from django.http import Http404, JsonResponse, UnreadablePostError
from django.utils.translation import gettext_noop
from rest_framework import exceptions

from core.api.hints import describe_api_exception
from core.errors import STATUS_BY_CODE, get_status
from core.locks import RowDeleted
from core.storage_errors import StorageFull, find_storage_error
from inference.errors import InferenceError, InvalidFeatures

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 2
INVALID_CODE = "invalid"
# Every known case has a check of its own. The database reports the others, which are logged.
CONFLICT_DETAIL = gettext_noop(
    "Another request has changed the same data at the same time. Nothing was stored. Send the request again."
)
DELETED_DETAIL = gettext_noop("Another request has deleted this at the same time. Nothing was changed.")
UNSTORABLE_DETAIL = gettext_noop(
    "A value of the request is too long or out of range. Nothing was stored. Send another value."
)

# Errors of Django, the database, and the disk: class, code, detail. The first matching class is used.
PLATFORM_ERRORS: tuple[tuple[type[Exception], str, str], ...] = (
    (RowDeleted, "not-found", DELETED_DETAIL),
    (Http404, "not-found", "Not found, or you don't have access."),
    (PermissionDenied, "permission-denied", "You don't have permission to do this."),
    (StorageFull, "storage-full", "There is no space left for uploads. Nothing was stored. Try again later."),
    (OperationalError, "database-unavailable", "The database is unavailable. Try again in a moment."),
    (InterfaceError, "database-unavailable", "The database is unavailable. Try again in a moment."),
    (IntegrityError, "conflict", CONFLICT_DETAIL),
    (DataError, "unstorable-value", UNSTORABLE_DETAIL),
    (RequestDataTooBig, "request-too-large", "The request is too large."),
    (TooManyFilesSent, "too-many-items", "The request has too many files. Send several requests."),
    (TooManyFieldsSent, "malformed-request", "The request has too many fields. Send fewer fields, or several requests."),
    (SuspiciousOperation, "malformed-request", "The request is malformed. Check its headers and the names of its fields."),
    (UnreadablePostError, "malformed-request", "The connection closed before the whole request was received."),
)
CODES_BY_REST_FRAMEWORK_CODE = {
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


def build_problem(
    *,
    status: int,
    code: str,
    detail: str,
    errors: Iterable[Mapping[str, Any]] = (),
    headers: Mapping[str, str] | None = None,
    **extensions: Any,
) -> JsonResponse:
    """Return an `application/problem+json` response.

    Args:
        code: stable, for programs; docs/api.md lists the codes.
        detail: what is wrong and what to do.
        errors: one entry per invalid field, with field, code, and detail.
        extensions: additional members, such as the URL of the failed prediction.
    """
    body = {**build_problem_body(status=status, code=code, detail=detail, errors=errors), **extensions}
    if status in (429, 503):
        headers = {"Retry-After": str(RETRY_AFTER_SECONDS), **(headers or {})}
    return JsonResponse(body, status=status, content_type=CONTENT_TYPE, headers=headers)


def build_problem_body(*, status: int, code: str, detail: str, errors: Iterable[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """Return a problem as a JSON object, with the arguments of `build_problem`."""
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "errors": list(errors),
    }


def describe_inference_error(error: InferenceError) -> dict[str, Any]:
    """Return the problem of an invalid input or a failed model as a JSON object."""
    if isinstance(error, InvalidFeatures):
        errors = [_build_item(item, f"features.{item.field}") for item in error.errors]
    else:
        field = getattr(error, "field", "")
        errors = [_build_item(error, field)] if field else []
    return build_problem_body(status=get_status(error), code=error.code, detail=error.message, errors=errors)


def handle_exception(error: Exception, context: Mapping[str, Any]) -> JsonResponse | None:
    """Translate an exception of an API view to a response. Return None for others: the 500 handler logs them."""
    if isinstance(error, exceptions.ValidationError):
        return _handle_validation_error(error)
    if isinstance(error, exceptions.APIException):
        return _handle_api_exception(error, context.get("view"))
    if isinstance(error, InferenceError):
        return _handle_inference_error(error)
    return _handle_platform_error(error)


def _handle_validation_error(error: exceptions.ValidationError) -> JsonResponse:
    errors = list(_flatten_details(error.get_full_details()))
    single = errors[0] if len(errors) == 1 else None
    return build_problem(
        status=400,
        code=single["code"] if single else INVALID_CODE,
        detail=single["detail"] if single else " ".join(f"{item['field']}: {item['detail']}" for item in errors),
        errors=errors,
    )


def _flatten_details(details: Any, field: str = "") -> Iterable[dict[str, str]]:
    """Yield one entry for each message in the nested error details of REST framework."""
    if isinstance(details, list):
        for item in details:
            yield from _flatten_details(item, field)
    elif isinstance(details, dict) and details.keys() == {"message", "code"} and isinstance(details["message"], str):
        yield {"field": field, "code": str(details["code"]).replace("_", "-"), "detail": str(details["message"])}
    else:
        for name, item in details.items():
            path = [part for part in (field, str(name)) if part and part != "non_field_errors"]
            yield from _flatten_details(item, ".".join(path))


def _handle_api_exception(error: exceptions.APIException, view: Any) -> JsonResponse:
    code = "csrf-failed" if str(error.detail).startswith("CSRF Failed") else str(error.get_codes())
    headers = {}
    if header := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = header
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(int(wait) + 1)
    detail = describe_api_exception(error, view)
    code = CODES_BY_REST_FRAMEWORK_CODE.get(code, code)
    return build_problem(status=error.status_code, code=code, detail=detail, headers=headers)


def _handle_inference_error(error: InferenceError) -> JsonResponse:
    body = describe_inference_error(error)
    seconds = getattr(error, "retry_after_seconds", None)
    return build_problem(
        status=body["status"],
        code=body["code"],
        detail=body["detail"],
        errors=body["errors"],
        headers={"Retry-After": str(seconds)} if seconds else None,
    )


def _build_item(error: InferenceError, field: str) -> dict[str, str]:
    return {"field": field, "code": error.code, "detail": error.message}


def _handle_platform_error(error: Exception) -> JsonResponse | None:
    for kind, code, detail in PLATFORM_ERRORS:
        if isinstance(error, kind):
            status = STATUS_BY_CODE[code]
            if status >= 500 or isinstance(error, DatabaseError):
                logger.error(code, exc_info=error)
            return build_problem(status=status, code=code, detail=detail)
    if storage_error := find_storage_error(error):
        logger.error(storage_error.code, exc_info=error)
        detail = f"{storage_error} The request was not completed. Try again later."
        return build_problem(status=STATUS_BY_CODE[storage_error.code], code=storage_error.code, detail=detail)
    return None
