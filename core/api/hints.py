"""What a client can do about an error of REST framework."""

from __future__ import annotations

from typing import Any

from rest_framework import exceptions

IMAGE_HINT = (
    " Send the image as curl -F image=@picture.png does. If the body is the image itself, as with curl --data-binary "
    "@picture.png, send its type: -H 'Content-Type: image/png'."
)
HINTS = {
    "not_authenticated": "Send the header Authorization: Bearer <token>, or sign in.",
    "not_acceptable": "Responses are JSON. Send the header Accept: application/json, or none.",
}
ORIGIN_FAILURES = ("Origin checking failed", "Referer checking failed")


def describe_api_exception(error: exceptions.APIException, view: Any) -> str:
    """Return the message of an error, and what to do.

    Args:
        view: the view that raised it, or None.
    """
    if isinstance(error, exceptions.Throttled):
        return f"You have sent too many requests. Send the next one in {_format_wait(getattr(error, 'wait', None))}."
    detail = str(error.detail)
    if detail.startswith("CSRF Failed"):
        return f"{detail} {_get_csrf_hint(detail)}"
    if isinstance(error, exceptions.UnsupportedMediaType) and view is not None:
        return f"{detail} {_get_media_type_hint(view)}"
    if isinstance(error, exceptions.MethodNotAllowed) and view is not None:
        return f"{detail} Allowed methods: {', '.join(view.allowed_methods)}."
    return f"{detail} {HINTS.get(str(error.get_codes()), '')}".strip()


def _format_wait(seconds: float | None) -> str:
    whole = int(seconds or 0) + 1  # as in Retry-After
    return "1 second" if whole == 1 else f"{whole} seconds"


def _get_csrf_hint(detail: str) -> str:
    if any(failure in detail for failure in ORIGIN_FAILURES):
        return "Send the request from a page of this site, or use a token."
    return "Send the X-CSRFToken header with a session, or use a token."


def _get_media_type_hint(view: Any) -> str:
    media_types = list(dict.fromkeys(parser.media_type for parser in view.get_parsers()))
    if "*/*" in media_types:
        return ""  # the parser has described what it accepts
    hint = f"Accepted media types: {', '.join(media_types)}."
    return hint + (IMAGE_HINT if "image/*" in media_types else "")
