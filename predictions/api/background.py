"""Create predictions in the background if the client prefers so, and cancel them."""

from __future__ import annotations

import threading
from functools import partial
from typing import Any, cast

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.idempotency import get_claim
from accounts.models import User
from core.api.preferences import META_NAME, Preference, parse_preference
from predictions.api.responses import RETRY_AFTER_SECONDS, build_created_response
from predictions.api.serializers import PredictionSerializer
from predictions.models import Prediction
from predictions.permissions import can_cancel
from predictions.services.background import cancel_prediction, queue_prediction, wait_for_final
from predictions.services.references import create_unique

APPLIED_HEADER = "Preference-Applied"
PREFER_PARAMETER = OpenApiParameter(
    "Prefer",
    str,
    location=OpenApiParameter.HEADER,
    description="`respond-async` (RFC 7240): queue the prediction and respond with 202. `wait=5`: first wait up to 5 "
    "seconds for the result.",
)
QUEUED_RESPONSE = OpenApiResponse(
    PredictionSerializer, description="The prediction is queued. Get the URL in `Location` until its status is final."
)
# Waiting requests occupy threads of the server. The other half always remains for other requests, such as health checks.
_waiting = threading.BoundedSemaphore(max(1, settings.WEB_THREADS // 2))


def read_preference(request: Request, parameters: dict[str, Any]) -> Preference:
    """Return the preference of a request that creates a prediction.

    Raises:
        ValidationError: the request has `expires_in`, which needs a queue, but prefers no response without the result.
    """
    preference = parse_preference(request.META.get(META_NAME, ""))
    if "expires_in" in parameters and not preference.is_background:
        message = "expires_in is only valid with the header Prefer: respond-async."
        raise ValidationError({"expires_in": message}, code="needs-respond-async")
    return preference


def create_in_background(
    request: Request, parameters: dict[str, Any], preference: Preference, *, is_unique: bool
) -> HttpResponse:
    """Queue a prediction, wait as long as the client prefers, and return the response.

    With an Idempotency-Key, the response that is stored for a repeated request is the one before waiting.

    Args:
        is_unique: if the user has a prediction with the client reference, return that one with the status 200.
    """
    user = cast(User, request.user)
    build = partial(_build_response, request=request, preference=preference)
    claim = get_claim(request)
    respond = claim.record(build)
    arguments = {"user": user, "source": Prediction.Source.API, "in_transaction": respond.in_transaction, **parameters}
    if is_unique:
        prediction, is_created = create_unique(queue_prediction, **arguments)
        if not is_created:
            return claim.complete(build_created_response(prediction, request=request, reader=user, status=200))
    else:
        prediction = queue_prediction(**arguments)
    response = respond(prediction)
    if not preference.wait_seconds or not _waiting.acquire(blocking=False):
        return response
    seconds = min(preference.wait_seconds, settings.MAX_PREFER_WAIT)
    try:
        prediction = wait_for_final(prediction, seconds=seconds)
    finally:
        _waiting.release()
    return build(prediction, wait_seconds=seconds)


def _build_response(
    prediction: Prediction, *, request: Request, preference: Preference, wait_seconds: int | None = None
) -> HttpResponse:
    status = 201 if prediction.is_final else 202
    response = build_created_response(prediction, request=request, reader=cast(User, request.user), status=status)
    response.headers[APPLIED_HEADER] = preference.describe(wait_seconds=wait_seconds) or "wait=0"
    return response


class CancelMixin:
    """The action that cancels a prediction, for the viewset of predictions."""

    @extend_schema(operation_id="predictions_cancel", request=None, responses=PredictionSerializer)
    @action(detail=True, methods=["post"], filter_backends=(), pagination_class=None)
    def cancel(self, request: Request, pk: str) -> Response:
        """Cancel a queued or running prediction. If it is running, its result is discarded.

        You can cancel your own predictions and, with a permission, those of other users. If the status is already final,
        the response is 409.
        """
        viewset = cast(Any, self)
        serializer_class = viewset.get_serializer_class()  # first, because it can reject the request
        prediction: Prediction = viewset.get_object()
        if not can_cancel(prediction, cast(User, request.user)):
            raise PermissionDenied
        cancel_prediction(prediction=prediction)
        return Response(serializer_class(prediction, context=viewset.get_serializer_context()).data)


def add_poll_headers(response: Response) -> Response:
    """Add Retry-After to a prediction that is not final yet: when to get it again."""
    if response.data["status"] in Prediction.OPEN_STATUSES:
        response.headers["Retry-After"] = RETRY_AFTER_SECONDS
    return response
