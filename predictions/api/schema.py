"""Parts of the OpenAPI schema that are too long for a view."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from django.conf import settings
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse

from accounts.api.idempotency import IDEMPOTENCY_PARAMETER
from accounts.permissions import can_review_all, can_view_all
from predictions.api.background import PREFER_PARAMETER, QUEUED_RESPONSE
from predictions.api.raw_images import MEDIA_TYPES
from predictions.api.serializers import ImageRequestSerializer, PredictionRequestSerializer, PredictionSerializer
from predictions.api.serializers.review import OWNER_STRATEGIES
from predictions.api.store_parameter import STORE_PARAMETER
from predictions.filters import REPEATABLE_FILTERS
from predictions.models.prediction import MAX_CLIENT_REFERENCE_CHARACTERS
from registry.models import MAX_VERSION_NUMBER
from registry.references import MAX_REFERENCE_CHARACTERS

# An image of 8 × 8 pixels with a diagonal line.
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAIAQAAAADsdIMmAAAADUlEQVR42mNoYGZAhgAIOACWLyiIsQAAAABJRU5ErkJggg=="
ROW = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}


QUERY_SCHEMAS: dict[str, dict[str, Any]] = {
    "model": {"type": "string", "maxLength": MAX_REFERENCE_CHARACTERS},
    "client_reference": {"type": "string", "maxLength": MAX_CLIENT_REFERENCE_CHARACTERS},
    "expires_in": {"type": "integer", "minimum": 1, "maximum": settings.MAX_EXPIRES_IN},
}
SHARE = {"minimum": 0, "maximum": 1}
FILTER_LIMITS = {
    "min_confidence": SHARE,
    "max_confidence": SHARE,
    "version": {"minimum": 1, "maximum": MAX_VERSION_NUMBER},
}
FILTER_DESCRIPTIONS = {
    "id": "The ID of the prediction.",
    "model": "The model, alias, or version: `digits`, `digits@production`, or `digits:1`.",
    "version": "The number of the model version.",
    "label": "The predicted label. Predictions of multi-label models have no single label and do not match.",
    "status": "The status.",
    "source": "The channel through which the input was submitted.",
    "min_confidence": "The minimum confidence, inclusive.",
    "max_confidence": "The maximum confidence, inclusive.",
    "created_after": "Created at or after this time, in ISO 8601, UTC by default.",
    "created_before": "Created before this time, in ISO 8601, UTC by default.",
    "reviewed": "With (`true`) or without (`false`) a review. Failed predictions match neither.",
    "verdict": "The verdict of a review.",
    "true_label": "The true label of a review. Not for multi-label models.",
    "picked_by": "The review strategy with which the prediction was selected for review.",
    "error_code": "The code of the error of a failed prediction.",
    "client_reference": "The client reference.",
    "batch_job": "The ID of the batch job.",
    "tag": "A tag.",
    "user": "The username of the owner.",
    "search": "The start of a file name, a client reference, an ID or its first 8 or more characters, or for reviewers a "
    "username. The search is case-sensitive.",
}
LIST_PARAMETERS = {"cursor", "page_size", "include"}  # of the list of predictions, but not of the export
REVIEWER_PARAMETERS = {"user"}
LIST_PATH = "/api/v1/predictions/"
EXPORT_PATH = f"{LIST_PATH}export/"


def restrict_schema(result: dict[str, Any], generator: object, request: Any, public: bool) -> dict[str, Any]:
    """Describe limits that drf-spectacular cannot infer, and only what this user can send.

    A post-processing hook of drf-spectacular. The command `spectacular` has no user: its schema is that of reviewers.
    """
    schemas, paths = result["components"]["schemas"], result["paths"]
    for name, schema in schemas.items():
        if name.endswith("Request"):
            schema["additionalProperties"] = False  # unknown keys are rejected
    if LIST_PATH not in paths:
        return result
    listing = paths[LIST_PATH]["get"]
    hidden = REVIEWER_PARAMETERS if request is not None and not can_view_all(request.user) else set()
    listing["parameters"] = [parameter for parameter in listing["parameters"] if parameter["name"] not in hidden]
    for parameter in listing["parameters"]:
        if parameter["name"] == "reviewed":
            parameter["schema"] = {"type": "boolean"}  # a choice of two texts, for django-filter
        schema = parameter["schema"]
        limited = schema["items"] if schema.get("type") == "array" else schema
        limited |= FILTER_LIMITS.get(parameter["name"], {})
        _describe_filter(parameter)
    filters = [parameter for parameter in listing["parameters"] if parameter["name"] not in LIST_PARAMETERS]
    paths[EXPORT_PATH]["get"]["parameters"] += deepcopy(filters)
    if request is not None and not can_review_all(request.user):
        schemas["ReviewInputRequest"]["properties"]["picked_by"] = {
            "type": "string",
            "enum": [str(strategy) for strategy in OWNER_STRATEGIES],
            "default": str(OWNER_STRATEGIES[0]),
        }
    return result


def _describe_filter(parameter: dict[str, Any]) -> None:
    """Set the description of a filter. One that can be given several times is a list."""
    description = FILTER_DESCRIPTIONS.get(parameter["name"])
    if description is None:
        return
    if parameter["name"] in REPEATABLE_FILTERS:
        if parameter["schema"].get("type") != "array":
            parameter["schema"] = {"type": "array", "items": parameter["schema"]}
        parameter |= {"style": "form", "explode": True}
        description += " Repeat it to match any of several values."
    parameter["description"] = description


def _make_json_example(name: str, **value: Any) -> OpenApiExample:
    return OpenApiExample(name, value=value, media_type="application/json", request_only=True)


CREATE: dict[str, Any] = {
    "request": {
        "application/json": PredictionRequestSerializer(),  # first: OpenAPI Generator supports only one, and prefers JSON
        "multipart/form-data": ImageRequestSerializer(),
        **dict.fromkeys(MEDIA_TYPES, OpenApiTypes.BINARY),
    },
    "parameters": [
        OpenApiParameter(name, schema, description=f"The field `{name}` of a request whose body is the image itself.")
        for name, schema in QUERY_SCHEMAS.items()
    ]
    + [
        OpenApiParameter(
            "unique_reference",
            bool,
            description="If true, and if you have a prediction with this client_reference, return it with the status 200.",
        ),
        STORE_PARAMETER,
        IDEMPOTENCY_PARAMETER,
        PREFER_PARAMETER,
    ],
    "examples": [
        _make_json_example("Row of features", model="iris", features=ROW),
        _make_json_example("Image as a data URL", model="digits", image=f"data:image/png;base64,{PNG}"),
        _make_json_example("Image as base64", model="digits", image=PNG, client_reference="scan-42"),
    ],
    "responses": {
        200: PredictionSerializer,
        201: PredictionSerializer,
        202: QUEUED_RESPONSE,
        504: OpenApiResponse(description="A prediction in the background has not started before its deadline."),
    },
}
