"""The parts of the response to a request that creates a prediction."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from core.api.problems import build_problem
from core.errors import STATUS_BY_CODE
from predictions.api.representation import get_base_url, get_url_suffix, represent_prediction
from predictions.models import Prediction

RETRY_AFTER_SECONDS = "1"  # before getting a prediction again that is not final


def represent_created(prediction: Prediction, *, request: HttpRequest | Request, reader: User) -> dict[str, Any]:
    """Return a prediction that was just created as a JSON object."""
    return represent_prediction(
        prediction, base_url=get_base_url(request), url_suffix=get_url_suffix(request), reader=reader
    )


def build_created_response(prediction: Prediction, *, request: Request, reader: User, status: int = 201) -> HttpResponse:
    """Return the response to a request that created a prediction, or that repeats the creation of one."""
    body = represent_created(prediction, request=request, reader=reader)
    if prediction.status == Prediction.Status.FAILED and status == 201:
        return build_failure_response(prediction, url=body["url"])
    headers = {"Location": body["url"], **({} if prediction.is_final else {"Retry-After": RETRY_AFTER_SECONDS})}
    return Response(body, status=status, headers=headers)


def build_failure_response(prediction: Prediction, *, url: str) -> HttpResponse:
    """Return the problem of a prediction whose model failed."""
    is_stored = prediction.input.data_removed_at is None
    return build_problem(
        status=STATUS_BY_CODE.get(prediction.error_code, 500),
        code=prediction.error_code,
        detail=prediction.error_message + (" The input is stored with a failed prediction." if is_stored else ""),
        prediction=url,
    )
