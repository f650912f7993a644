"""Responses of the server to requests that do not reach Django: malformed, too large, too slow, or too many."""

from __future__ import annotations

import html
import json
from http import HTTPStatus

from gunicorn.http import errors

from core.api.problems import CONTENT_TYPE, RETRY_AFTER_SECONDS, build_problem_body
from core.errors import STATUS_BY_CODE

DETAILS = {
    "malformed-request": "The request is not valid HTTP. Check its first line, its headers, and the length of its body.",
    "request-timeout": "The request did not arrive in time. Send it again, or use a faster connection.",
    "uri-too-long": "The URL is too long. The limit is about 8,000 characters. Send long values in the body.",
    "expectation-failed": "The server only supports the expectation 100-continue. Send the request without Expect.",
    "headers-too-large": "The request has more than 100 headers, or one of more than 8 KB. Send fewer or shorter ones.",
    "unsupported-transfer-encoding": "The server only supports the transfer encoding chunked. Use it, or Content-Length.",
    "overloaded": "The server is overloaded. Try again in a moment.",
    "internal-error": "An internal error occurred. It has been logged.",
}
CODES: tuple[tuple[type[Exception], str], ...] = (
    (errors.LimitRequestLine, "uri-too-long"),
    (errors.LimitRequestHeaders, "headers-too-large"),
    (errors.ExpectationFailed, "expectation-failed"),
    (errors.UnsupportedTransferCoding, "unsupported-transfer-encoding"),
    (errors.InvalidResponseHeader, "internal-error"),
    (errors.InvalidResponseHeaderName, "internal-error"),
    (errors.ConfigurationProblem, "internal-error"),
    (errors.ParseException, "malformed-request"),
)
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{status} {phrase}</title>
<style>
main {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem; }}
h1 {{ line-height: 1.2; }}
</style>
<main>
<h1>{phrase}</h1>
<p>{detail}</p>
</main>
</html>
"""


def get_code(error: BaseException) -> str:
    """Return the code for an exception of gunicorn, and `internal-error` for all others."""
    return next((code for kind, code in CODES if isinstance(error, kind)), "internal-error")


def build_response(code: str, *, path: str, closes_connection: bool = True) -> bytes:
    """Return a whole response: problem details for the API, an error of V2, or a page.

    Args:
        path: of the request; empty if the request line cannot be read.
    """
    status, detail = STATUS_BY_CODE[code], DETAILS[code]
    media_type, text = _build_body(path, status, code, detail)
    body = text.encode()
    headers = [
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        f"Content-Type: {media_type}",
        f"Content-Length: {len(body)}",
        "Cache-Control: no-store",
        "X-Content-Type-Options: nosniff",
        f"Connection: {'close' if closes_connection else 'keep-alive'}",
    ]
    if status in (429, 503):
        headers.append(f"Retry-After: {RETRY_AFTER_SECONDS}")
    return "\r\n".join([*headers, "", ""]).encode() + body


def _build_body(path: str, status: int, code: str, detail: str) -> tuple[str, str]:
    if path == "/api" or path.startswith("/api/"):
        return CONTENT_TYPE, json.dumps(build_problem_body(status=status, code=code, detail=detail))
    if path == "/v2" or path.startswith("/v2/"):
        return "application/json", json.dumps({"error": detail})
    page = PAGE.format(status=status, phrase=HTTPStatus(status).phrase, detail=html.escape(detail))
    return "text/html; charset=utf-8", page
