"""Errors of the Open Inference Protocol: a JSON object with the key `error`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from core.api import problems

V2_PATHS = ("/v2", "/v2/")


def is_v2_request(request: HttpRequest) -> bool:
    return request.path_info == V2_PATHS[0] or request.path_info.startswith(V2_PATHS[1])


def handle_exception(error: Exception, context: Mapping[str, Any]) -> JsonResponse | None:
    """Translate an exception of a V2 view. Statuses and messages are those of the REST API. Return None for others."""
    problem = problems.handle_exception(error, context)
    return None if problem is None else convert_problem(problem)


def convert_problem(problem: HttpResponse) -> JsonResponse:
    """Return problem details in the form of the protocol: the message, with the same status and headers."""
    headers = {name: value for name, value in problem.items() if name.lower() != "content-type"}
    return JsonResponse({"error": json.loads(problem.content)["detail"]}, status=problem.status_code, headers=headers)


def build_error(*, status: int, message: str, **members: Any) -> JsonResponse:
    """Return an error response.

    Args:
        members: of the JSON object, besides the message.
    """
    headers = {"Retry-After": str(problems.RETRY_AFTER_SECONDS)} if status in (429, 503) else {}
    return JsonResponse({"error": message, **members}, status=status, headers=headers)
