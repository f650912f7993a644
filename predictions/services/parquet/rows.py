"""Read predictions and reviews in the order of their IDs, as batches of columns."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Any
from uuid import UUID

import pyarrow as pa
from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast
from django.utils.crypto import salted_hmac

from core.fields import get_id_time
from inference.signature import TEXT_KEY
from predictions.exports.reviews import NO_REVIEW, ExportedReview, fetch_reviews
from predictions.models import Input, Prediction, Review
from predictions.services.parquet.schema import PREDICTION_SCHEMA, REVIEW_SCHEMA
from registry.models import ModelVersion

ROWS_PER_QUERY = 2000
PSEUDONYM_CHARACTERS = 32
INPUT_FIELDS = ("kind", "sha256", "image", "content_type", "width", "height", "size", "data_removed_at")
SAME_FIELDS = (
    "created_at", "started_at", "completed_at", "status", "source", "confidence", "margin", "value",
    "decode_ms", "queue_ms", "preprocess_ms", "inference_ms",
)  # fmt: skip
REVIEW_FIELDS = (
    "id", "prediction_id", "verdict", "true_label", "true_value", "true_labels", "picked_by", "is_blind", "created_at",
    "withdrawn_at", "reviewer_id", "reviewer__username", "prediction__model_version_id",
)  # fmt: skip
DescribeUser = Callable[[Any, str | None], str | None]


@dataclass(frozen=True, slots=True)
class PredictionBatch:
    """Consecutive predictions of one model version and of one day (UTC, of the time in the ID)."""

    day: str
    columns: pa.RecordBatch
    first_id: UUID
    last_id: UUID


@lru_cache(maxsize=4096)
def build_pseudonym(user_id: Any, username: str | None) -> str | None:
    """Return a text that is the same for the same user, and that nobody can compute without SECRET_KEY; None for no user."""
    if user_id is None:
        return None
    return salted_hmac("mlsite.parquet.user", str(user_id), algorithm="sha256").hexdigest()[:PSEUDONYM_CHARACTERS]


def get_username(user_id: Any, username: str | None) -> str | None:
    """Return the name of a user; None for no user."""
    return username


def iterate_predictions(
    version: ModelVersion, *, after: UUID, before: UUID, describe_user: DescribeUser
) -> Iterator[PredictionBatch]:
    """Yield the final predictions of a version whose IDs are between two others. Memory use does not depend on their number.

    Each list is a query on the index of the version and the ID.
    """
    fields = ("id", "client_reference", "label", "error_code", "user_id", "user__username", "input_id", *SAME_FIELDS)
    # As texts: the columns contain JSON, and only some of it is parsed.
    texts = {"features_text": Cast("input__features", TextField()), "output_text": Cast("output", TextField())}
    rows: QuerySet[Any, Any] = Prediction.objects.filter(
        model_version=version, pk__lt=before, status__in=Prediction.FINAL_STATUSES
    )
    rows = rows.order_by("pk").annotate(**texts)
    rows = rows.values_list(*fields, *(f"input__{name}" for name in INPUT_FIELDS), *texts, named=True)
    while chunk := list(rows.filter(pk__gt=after)[:ROWS_PER_QUERY]):
        after = chunk[-1].id
        reviews = fetch_reviews([row.id for row in chunk])
        for day, group in groupby(chunk, key=lambda row: get_day(row.id)):
            found = list(group)
            values = [_build_prediction(row, version, reviews.get(row.id, NO_REVIEW), describe_user) for row in found]
            columns = pa.RecordBatch.from_pylist(values, schema=PREDICTION_SCHEMA)
            yield PredictionBatch(day, columns, found[0].id, found[-1].id)


def get_day(row_id: UUID) -> str:
    """Return the day (UTC) in an ID, for example `2026-01-31`."""
    return get_id_time(row_id).date().isoformat()


def build_review_columns(rows: list[Any], versions: dict[UUID, ModelVersion], describe_user: DescribeUser) -> pa.Table:
    """Return reviews as columns.

    Args:
        rows: with the values of `REVIEW_FIELDS` by name.
    """
    values = [
        {
            **{name: getattr(row, name) for name in REVIEW_SCHEMA.names if hasattr(row, name)},
            "id": str(row.id),
            "prediction_id": str(row.prediction_id),
            "model_version": versions[row.prediction__model_version_id].number,
            "reviewer": describe_user(row.reviewer_id, row.reviewer__username),
            "true_label": row.true_label or None,
        }
        for row in rows
    ]
    return pa.Table.from_pylist(values, schema=REVIEW_SCHEMA)


def select_reviews(model: str) -> QuerySet[Any, Any]:
    """Return the values of `REVIEW_FIELDS` of the reviews of a model, or of all models."""
    rows = Review.objects.filter(prediction__model_version__model__name=model) if model else Review.objects.all()
    return rows.values_list(*REVIEW_FIELDS, named=True)


def _build_prediction(
    row: Any, version: ModelVersion, review: ExportedReview, describe_user: DescribeUser
) -> dict[str, Any]:
    """Return the values of `PREDICTION_SCHEMA`. Empty texts are null."""
    output = json.loads(row.output_text) if row.output_text else {}
    scores = output.get("scores")
    is_text = row.input__kind == Input.Kind.TEXT
    return {
        **{name: getattr(row, name) for name in SAME_FIELDS},
        "id": str(row.id),
        "model_version": version.number,
        "user": describe_user(row.user_id, row.user__username),
        "client_reference": row.client_reference or None,
        "input_id": str(row.input_id),
        "input_kind": row.input__kind,
        "sha256": row.input__sha256,
        "image": row.input__image if row.input__image and not row.input__data_removed_at else None,
        "content_type": row.input__content_type or None,
        "width": row.input__width,
        "height": row.input__height,
        "size": row.input__size,
        "features": None if is_text else row.features_text,
        "text": json.loads(row.features_text).get(TEXT_KEY) if is_text and row.features_text else None,
        "label": row.label or None,
        "labels": output.get("labels"),
        "scores": list(scores.items()) if scores else None,
        "output": row.output_text,
        "error_code": row.error_code or None,
        "verdict": review.verdict,
        "true_label": review.true_label or None,
        "true_value": review.true_value,
        "true_labels": review.true_labels,
        "picked_by": review.picked_by,
        "reviews": review.active_count,
    }
