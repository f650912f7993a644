"""Map error codes to HTTP statuses, for the pages and the API."""

from __future__ import annotations

from inference.errors import InvalidInput

STATUS_BY_CODE = {
    "unknown-model": 404,
    "inactive-model": 409,
    "artifact-mismatch": 409,
    "not-reviewable": 409,
    "already-final": 409,
    "wrong-job-status": 409,
    "number-in-use": 409,
    "idempotency-key-in-use": 409,
    "idempotency-key-reused": 422,
    "invalid-idempotency-key": 400,
    "file-too-large": 413,
    "unsupported-image-format": 415,
    "invalid-input": 400,
    "too-many-decodes": 429,
    "overloaded": 503,
    "inference-timeout": 503,
    "model-unavailable": 503,
    "model-loading": 503,
    "deadline-exceeded": 504,
    "worker-lost": 500,
    "inference-failed": 500,
    "data-removed": 410,
    "stored-file-damaged": 500,
    "storage-full": 507,
    "storage-unavailable": 503,
    "database-unavailable": 503,
    "request-too-large": 413,
    "too-many-items": 413,
    "too-many-rows": 400,
    "malformed-request": 400,
    "unknown-host": 400,
    "permission-denied": 403,
    "csrf-failed": 403,
    "https-required": 403,
    "session-ended": 403,
    "repeated-parameter": 400,
    "not-found": 404,
    "method-not-allowed": 405,
    "length-required": 411,
    "unsupported-content-encoding": 415,
    "unsupported-charset": 415,
    "conflict": 409,
    "unstorable-value": 400,
    "request-timeout": 408,
    "uri-too-long": 414,
    "expectation-failed": 417,
    "headers-too-large": 431,
    "unsupported-transfer-encoding": 501,
    "quota-exceeded": 429,
    "too-many-test-events": 429,
    "too-many-resends": 429,
    "internal-error": 500,
}


def get_status(error: BaseException) -> int:
    """Return the HTTP status for the code of an error, or else for the code of its nearest base class in the table."""
    codes = [getattr(error, "code", None), *(vars(cls).get("code") for cls in type(error).__mro__)]
    status = next((STATUS_BY_CODE[code] for code in codes if code in STATUS_BY_CODE), None)
    if status is None:
        return 404 if isinstance(error, LookupError) else 500
    return status


class InvalidItem(InvalidInput):
    """An item of a list in JSON that contains text or a number that cannot be stored. It stands for the item.

    Args:
        digest: identifies the request, for the comparison with a repeated one.
    """

    def __init__(self, message: str, *, code: str, digest: str) -> None:
        super().__init__(message, code=code)
        self.digest = digest
