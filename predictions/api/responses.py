"""The response to a request that creates a prediction."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request

from accounts.models import User
from core.api.problems import build_problem
from core.api.renderers import render_json
from core.errors import STATUS_BY_CODE
from predictions.api.representation import get_base_url, represent_prediction
from predictions.models import Prediction


def build_created_response(prediction: Prediction, *, request: HttpRequest | Request, reader: User) -> HttpResponse:
    """Return a 201 with the prediction, or a problem if the model failed."""
    body = represent_prediction(prediction, base_url=get_base_url(request), reader=reader)
    if prediction.status == Prediction.Status.FAILED:
        return build_problem(
            status=STATUS_BY_CODE.get(prediction.error_code, 500),
            code=prediction.error_code,
            detail=f"{prediction.error_message} The input is stored with a failed prediction.",
            prediction=body["url"],
        )
    return HttpResponse(render_json(body), status=201, content_type="application/json", headers={"Location": body["url"]})
