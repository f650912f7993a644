"""Add the error responses to the OpenAPI schema. drf-spectacular cannot infer them."""

from __future__ import annotations

from typing import Any

from core.api.problems import CONTENT_TYPE

PROBLEM_SCHEMA = {
    "type": "object",
    "description": "Problem details (RFC 9457). `code` is stable and meant for programs. `detail` states what to change.",
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
        "prediction": {"type": "string", "format": "uri", "description": "The stored prediction with status `failed`."},
    },
}
ERROR_DESCRIPTIONS = {
    "get": {
        "400": "A query parameter is invalid.",
        "404": "Not found, or you don't have access.",
    },
    "patch": {
        "400": "A value is invalid.",
        "404": "Not found, or you don't have access.",
        "409": "Another request has changed the same data at the same time.",
        "413": "The request is too large.",
        "415": "The media type or the content encoding is not supported.",
    },
    "delete": {
        "404": "Not found, or you don't have access.",
    },
    "post": {
        "400": "The request or the input is invalid.",
        "404": "The model or the object does not exist, or you don't have access.",
        "409": "The current state does not allow this. For example, the model is inactive, its file has changed since "
        "registration, the prediction has no output to review, the prediction or the batch job has ended, or a request with "
        "the same Idempotency-Key is running.",
        "413": "The file or the request is too large, or has too many inputs.",
        "415": "The image format, the media type, or the content encoding is not supported.",
        "422": "The Idempotency-Key was sent with a different request.",
        "500": "The model failed. The input is stored with a failed prediction.",
        "507": "There is no space left for uploads. Nothing was stored.",
    },
}
COMMON_DESCRIPTIONS = {  # of all operations
    "401": "Authentication is required.",
    "403": "The token lacks the scope, the CSRF token is missing or invalid, or you don't have permission.",
    "406": "Only JSON responses are available.",
    "429": "Too many requests. See Retry-After.",
    "4XX": "The server rejected the request before its content was read. For example, a header or the URL is too long.",
    "500": "An internal error.",
    "503": "The model is busy, or a service is unavailable. See Retry-After.",
}


def add_problem_responses(result: dict[str, Any], generator: object, request: object, public: bool) -> dict[str, Any]:
    """Add the error responses to each operation. A post-processing hook of drf-spectacular."""
    result["components"].setdefault("schemas", {})["Problem"] = PROBLEM_SCHEMA
    content = {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for path in result["paths"].values():
        for method, operation in path.items():
            descriptions = COMMON_DESCRIPTIONS | ERROR_DESCRIPTIONS.get(method, {})
            for status, description in sorted(descriptions.items()):
                operation["responses"].setdefault(status, {"description": description})
            for status, response in operation["responses"].items():
                if status >= "400":  # also those that the view itself describes
                    response.setdefault("content", content)
    return result
