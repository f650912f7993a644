"""Parts of the OpenAPI schema that are too long for a view."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter

from predictions.api.background import PREFER_PARAMETER, QUEUED_RESPONSE
from predictions.api.idempotency import IDEMPOTENCY_PARAMETER
from predictions.api.raw_images import MEDIA_TYPES, QUERY_FIELDS
from predictions.api.serializers import ImageRequestSerializer, PredictionRequestSerializer, PredictionSerializer

# An image of 8 × 8 pixels with a diagonal line.
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAIAQAAAADsdIMmAAAADUlEQVR42mNoYGZAhgAIOACWLyiIsQAAAABJRU5ErkJggg=="
ROW = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}


def _make_json_example(name: str, **value: Any) -> OpenApiExample:
    return OpenApiExample(name, value=value, media_type="application/json", request_only=True)


CREATE: dict[str, Any] = {
    "request": {
        "multipart/form-data": ImageRequestSerializer(),
        "application/json": PredictionRequestSerializer(),
        **dict.fromkeys(MEDIA_TYPES, OpenApiTypes.BINARY),
    },
    "parameters": [
        OpenApiParameter(name, str, description=f"The field `{name}` of a request whose body is the image itself.")
        for name in QUERY_FIELDS
    ]
    + [
        OpenApiParameter(
            "unique_reference",
            bool,
            description="If true, and if you have a prediction with this client_reference, return it with the status 200.",
        ),
        IDEMPOTENCY_PARAMETER,
        PREFER_PARAMETER,
    ],
    "examples": [
        _make_json_example("Row of features", model="iris", features=ROW),
        _make_json_example("Image as a data URL", model="digits", image=f"data:image/png;base64,{PNG}"),
        _make_json_example("Image as base64", model="digits", image=PNG, client_reference="scan-42"),
    ],
    "responses": {200: PredictionSerializer, 201: PredictionSerializer, 202: QUEUED_RESPONSE},
}
