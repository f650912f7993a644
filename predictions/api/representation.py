"""Predictions, inputs and reviews as JSON objects.

These functions build the bodies of the API. The serializers declare the same fields for the OpenAPI schema and call these
functions; a test compares the fields of both. Compared with the generic serializers of REST framework, this saves 1.3 ms of
CPU time per prediction.
"""

from __future__ import annotations

import base64
from functools import lru_cache
from typing import Any, Literal

from django.http import HttpRequest
from django.urls import get_script_prefix, reverse
from django.utils.http import urlencode
from rest_framework.request import Request
from rest_framework.settings import api_settings

from accounts.models import User
from accounts.permissions import can_view_all
from predictions.models import Input, Prediction, Review
from predictions.outcomes import format_time, represent_error, represent_timings
from predictions.presentation import find_own_review
from predictions.services.stored_files import read_stored_file

Include = Literal["features", "image"]


def get_base_url(request: HttpRequest | Request) -> str:
    """Return the absolute URL under which the API serves this request, such as `https://example.org/api/v1/`."""
    return request.build_absolute_uri(_get_api_path(get_script_prefix()))


def get_url_suffix(request: HttpRequest | Request) -> str:
    """Return the query string of all URLs: as REST framework does, they repeat a format that the request names."""
    name: str | None = api_settings.URL_FORMAT_OVERRIDE
    return f"?{urlencode({name: request.GET[name]})}" if name and name in request.GET else ""


@lru_cache(maxsize=16)
def _get_api_path(script_prefix: str) -> str:
    """Return the path of the API. `reverse` reads the prefix itself; as an argument, it is the key of the cache."""
    return reverse("api:prediction-list").removesuffix("predictions/")


def represent_prediction(
    prediction: Prediction, *, base_url: str, reader: User, include: Include | None = None, url_suffix: str = ""
) -> dict[str, Any]:
    """Return a prediction as a JSON object.

    The review is the reader's own or, if there is none, the newest one. Features are in the order of the signature and
    scores in descending order, because databases may reorder JSON keys.

    Args:
        prediction: with its input and model version; fetched `with_reviews` and `with_tags` unless it was just created.
        base_url, url_suffix: the results of `get_base_url` and `get_url_suffix`.
        reader: the user who gets the object.
        include: `features` adds the features next to the output, `image` adds the image to the input as a data URL.

    Raises:
        StoredFileError: the image to include is missing or damaged.
    """
    version, row, output = prediction.model_version, prediction.input, prediction.output
    features = None if row.features is None or row.kind == Input.Kind.TEXT else _get_features(prediction)
    represented_input = represent_input(row, base_url=base_url, url_suffix=url_suffix)
    represented_input["features"] = features
    if include == "image":
        represented_input["image"] = _encode_image(row, reader)
    if output and "scores" in output:
        output = {**output, "scores": dict(prediction.ranked_scores)}
    review = find_own_review(prediction, reader) or next(iter(getattr(prediction, "active_reviews", ())), None)
    prediction_id = str(prediction.pk)
    represented: dict[str, Any] = {
        "id": prediction_id,
        "url": f"{base_url}predictions/{prediction_id}/{url_suffix}",
        "status": str(prediction.status),
        "source": str(prediction.source),
        "model": version.model.name,
        "model_version": version.number,
        "input": represented_input,
        "label": prediction.label or None,
        "labels": prediction.predicted_labels,
        "confidence": prediction.confidence,
        "value": prediction.value,
        "output": output,
        "error": represent_error(prediction),
        "client_reference": prediction.client_reference,
        "timings": represent_timings(prediction),
        "created_at": format_time(prediction.created_at),
        "completed_at": format_time(prediction.completed_at) if prediction.completed_at else None,
        "review": represent_review(review, reader=reader) if review else None,
        "warnings": [{"code": warning["code"], "message": warning["message"]} for warning in prediction.warnings],
        "tags": [tag.name for tag in getattr(prediction, "shown_tags", ())],
    }
    if include == "features":
        represented["features"] = features
    return represented


def represent_input(row: Input, *, base_url: str, url_suffix: str = "") -> dict[str, Any]:
    """Return an input as a JSON object. The features have the order of the database."""
    input_id = str(row.pk)
    url = f"{base_url}inputs/{input_id}/"
    return {
        "id": input_id,
        "kind": str(row.kind),
        "url": f"{url}{url_suffix}",
        "image_url": f"{url}image/{url_suffix}" if row.has_image else None,
        "sha256": row.sha256,
        "content_type": row.content_type,
        "width": row.width,
        "height": row.height,
        "original_name": row.original_name,
        "features": None if row.kind == Input.Kind.TEXT else row.features,
        "text": row.text,
        "data_removed_at": format_time(row.data_removed_at) if row.data_removed_at else None,
    }


def represent_review(review: Review, *, reader: User) -> dict[str, Any]:
    """Return a review as a JSON object. Only reviewers see who wrote it; all users see whether it is their own."""
    is_own = review.reviewer_id == reader.pk
    author = review.reviewer if is_own or can_view_all(reader) else None
    return {
        "id": str(review.pk),
        "verdict": str(review.verdict),
        "true_label": review.true_label,
        "true_value": review.true_value,
        "true_labels": review.true_labels,
        "comment": review.comment,
        "picked_by": str(review.picked_by),
        "mine": is_own,
        "reviewer": author.username if author else None,
        "created_at": format_time(review.created_at),
    }


def _get_features(prediction: Prediction) -> dict[str, Any]:
    return {feature.name: value for feature, value in prediction.get_features()}


def _encode_image(row: Input, reader: User) -> str | None:
    if not row.has_image:
        return None
    data = read_stored_file(row, reader=reader)
    return f"data:{row.content_type};base64,{base64.b64encode(data).decode()}"
