"""Exceptions of the client."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class MlsiteError(Exception):
    """Base class of all exceptions of this package."""


class ConnectionFailed(MlsiteError):
    """The server could not be reached, or the connection broke, after all retries.

    Whether the last attempt was stored is unknown. Send the request again with the same idempotency key.
    """


class UnexpectedResponse(MlsiteError):
    """A response that is not from the API, or is incomplete, after all retries. A proxy or a sign-in page can send it.

    Whether a request was stored is unknown. Send it again with the same idempotency key.
    """


class WaitTimeout(MlsiteError):
    """A prediction or a batch job did not finish in time. It continues on the server."""


class ApiError(MlsiteError):
    """A response with a status of 400 or above: an RFC 9457 problem.

    Args:
        status: the HTTP status.
        code: the stable code of the problem, for example `unknown-model`.
        detail: what is wrong and what to do.
        errors: one entry per invalid field, with `field`, `code`, and `detail`.
        problem: the whole body.
    """

    def __init__(
        self, status: int, code: str, detail: str, errors: list[dict[str, str]], problem: Mapping[str, Any]
    ) -> None:
        super().__init__(f"{detail} ({status} {code})" if code else f"{detail} ({status})")
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = errors
        self.problem = problem

    def __reduce__(self) -> tuple[Any, ...]:
        """Support copy and pickle, for example by `concurrent.futures.ProcessPoolExecutor`."""
        return type(self), (self.status, self.code, self.detail, self.errors, self.problem)


class InvalidRequest(ApiError):
    """The server rejected the request: status 400, 409, 411, 413, 415, or 422."""


class AuthenticationFailed(ApiError):
    """The token is missing, unknown, expired, or revoked, or has no permission: status 401 or 403."""


class NotFound(ApiError):
    """The object does not exist, or the token has no access to it: status 404."""


class ServerFailed(ApiError):
    """The model or the server failed, or the server is overloaded, after all retries: status 429, 500, or above."""


def build_error(status: int, body: Any) -> ApiError:
    """Return the exception of a response. Bodies that are not problems, such as those of proxies, are accepted too."""
    problem: Mapping[str, Any] = body if isinstance(body, Mapping) else {}
    detail = str(problem.get("detail") or f"The server responded with status {status}.")
    error_class: type[ApiError] = InvalidRequest
    if status in (401, 403):
        error_class = AuthenticationFailed
    elif status == 404:
        error_class = NotFound
    elif status == 429 or status >= 500:
        error_class = ServerFailed
    errors = problem.get("errors")
    return error_class(status, str(problem.get("code", "")), detail, errors if isinstance(errors, list) else [], problem)
