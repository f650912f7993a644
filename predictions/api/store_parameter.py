"""The query parameter `store` of requests that create predictions."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from accounts.api.idempotency import META_NAME

PARAMETER_NAME = "store"
STORE_PARAMETER = OpenApiParameter(
    PARAMETER_NAME,
    bool,
    description="If false, the response contains the prediction, but the input and the output are not stored: only the "
    "user, the version, the status, and the timings. You cannot combine it with `Idempotency-Key`, "
    "`Prefer: respond-async`, or `unique_reference`.",
)


def read_store(request: Request, *, needs_storage: bool = False) -> bool:
    """Return whether the input and the output of a request are stored.

    Args:
        needs_storage: the request has an option that needs them.

    Raises:
        ValidationError: the value is neither true nor false, or the data must be stored.
    """
    text = request.query_params.get(PARAMETER_NAME, "true")
    if text not in ("true", "false"):
        raise ValidationError({PARAMETER_NAME: f"Expected true or false. Received: {text[:50]}"}, code="invalid-choice")
    if text == "false" and (needs_storage or META_NAME in request.META):
        message = "store=false is not possible with Idempotency-Key, Prefer: respond-async, or unique_reference."
        raise ValidationError({PARAMETER_NAME: message}, code="needs-storage")
    return text == "true"


def require_storage(request: Request) -> None:
    """Check that a request does not have `store=false`, for an endpoint that always stores its data.

    Raises:
        ValidationError: it has.
    """
    if request.query_params.get(PARAMETER_NAME, "true") != "true":
        message = "This endpoint stores its inputs. Send single or batch requests with store=false."
        raise ValidationError({PARAMETER_NAME: message}, code="needs-storage")
