"""What drf-spectacular cannot see for itself: the errors."""

from __future__ import annotations

from typing import Any

from core.api.problems import CONTENT_TYPE

PROBLEM = {
    "type": "object",
    "description": "RFC 9457. `code` is stable and for programs; `detail` says what would be right.",
    "required": ["type", "title", "status", "detail", "code", "errors"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "code": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
        "prediction": {"type": "string", "format": "uri", "description": "The failed prediction that was kept."},
    },
}
ERRORS = {
    "get": {"400": "A filter or parameter is wrong.", "401": "Not signed in.", "404": "Not there, or not yours."},
    "delete": {"401": "Not signed in.", "403": "The CSRF token is missing.", "404": "Not there, or not yours."},
    "post": {
        "400": "The request or the input breaks a rule.",
        "401": "Not signed in.",
        "403": "The CSRF token is missing.",
        "404": "No such model.",
        "409": "The artifact is not the registered one, or there is no answer to judge.",
        "413": "The file or the body is too large.",
        "415": "Not a supported image, or not a supported media type.",
        "429": "Too many requests.",
        "500": "The model failed; the input is kept.",
        "503": "Busy or unavailable; see Retry-After.",
        "507": "No space left for uploads.",
    },
}


def add_problems(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Name the errors of each operation; a drf-spectacular post-processing hook."""
    result["components"].setdefault("schemas", {})["Problem"] = PROBLEM
    content = {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for path in result["paths"].values():
        for method, operation in path.items():
            for status, description in ERRORS.get(method, {}).items():
                operation["responses"].setdefault(status, {"description": description, "content": content})
            operation["responses"].setdefault("406", {"description": "Only JSON is served.", "content": content})
    return result
