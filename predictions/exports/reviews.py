"""The reviews and tags of exported predictions."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from predictions.models import PredictionTag, Review


class ExportedReview(NamedTuple):
    """The newest active review of a prediction, and the number of its active reviews."""

    verdict: str | None = None
    true_label: str | None = None
    true_value: float | None = None
    true_labels: list[str] | None = None
    picked_by: str | None = None
    active_count: int = 0


NO_REVIEW = ExportedReview()


def fetch_reviews(prediction_ids: list[UUID]) -> dict[UUID, ExportedReview]:
    """Return the newest active review of each of these predictions that has one."""
    if not prediction_ids:
        return {}
    reviews = Review.objects.active().filter(prediction__in=prediction_ids).order_by("id")
    summaries: dict[UUID, ExportedReview] = {}
    for prediction_id, *values in reviews.values_list("prediction_id", *ExportedReview._fields[:-1]):
        count = summaries.get(prediction_id, NO_REVIEW).active_count + 1
        summaries[prediction_id] = ExportedReview._make((*values, count))
    return summaries


def fetch_tags(prediction_ids: list[UUID]) -> dict[UUID, list[str]]:
    """Return the tags of each of these predictions that has some, oldest first."""
    tags: dict[UUID, list[str]] = {}
    rows = PredictionTag.objects.filter(prediction__in=prediction_ids).order_by("id")
    for prediction_id, name in rows.values_list("prediction_id", "name"):
        tags.setdefault(prediction_id, []).append(name)
    return tags


def join_tags(tags: list[str] | None) -> str | None:
    """Return tags as one text. No tag contains a comma."""
    return ", ".join(tags) if tags else None
