"""The data of events about predictions and reviews."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from accounts.permissions import VIEW_BATCH_JOBS, VIEW_PREDICTIONS
from events.event_types import register_event_type
from events.models import Event
from events.payloads import event_data
from predictions.models import Prediction, Review
from predictions.outcomes import format_time, represent_error, represent_timings

register_event_type("prediction.succeeded", _("Prediction succeeded"), permission=VIEW_PREDICTIONS)
register_event_type("prediction.failed", _("Prediction failed"), permission=VIEW_PREDICTIONS)
register_event_type("prediction.canceled", _("Prediction canceled"), permission=VIEW_PREDICTIONS)
register_event_type("review.created", _("Review created"), permission=VIEW_PREDICTIONS)
register_event_type("review.withdrawn", _("Review withdrawn"), permission=VIEW_PREDICTIONS)
register_event_type("batch_job.ended", _("Batch job ended"), permission=VIEW_BATCH_JOBS)


@event_data("prediction.*")
def build_prediction_data(events: Sequence[Event]) -> dict[int, dict[str, Any]]:
    """Return the predictions that became final. The names of the members are those of the API."""
    ids = {event.pk: event.uuid for event in events}
    predictions = Prediction.objects.select_related("input", "model_version__model").in_bulk(list(ids.values()))
    return {pk: _represent_prediction(predictions[row_id]) for pk, row_id in ids.items() if row_id in predictions}


@event_data("review.*")
def build_review_data(events: Sequence[Event]) -> dict[int, dict[str, Any]]:
    """Return the reviews that were stored or withdrawn, without their authors."""
    ids = {event.pk: UUID(event.subject) for event in events}
    reviews = Review.objects.in_bulk(set(ids.values()))
    return {pk: _represent_review(reviews[row_id]) for pk, row_id in ids.items() if row_id in reviews}


def _represent_prediction(prediction: Prediction) -> dict[str, Any]:
    version, row = prediction.model_version, prediction.input
    return {
        "id": str(prediction.pk),
        "status": prediction.status,
        "source": prediction.source,
        "user": str(prediction.user_id) if prediction.user_id else None,
        "model": version.model.name,
        "model_version": version.number,
        "input": {"id": str(row.pk), "kind": row.kind, "sha256": row.sha256},
        "label": prediction.label or None,
        "labels": prediction.predicted_labels,
        "confidence": prediction.confidence,
        "value": prediction.value,
        "output": prediction.output,
        "error": represent_error(prediction),
        "warnings": prediction.warnings,
        "client_reference": prediction.client_reference,
        "timings": represent_timings(prediction),
        "created_at": format_time(prediction.created_at),
        "completed_at": format_time(prediction.completed_at) if prediction.completed_at else None,
    }


def _represent_review(review: Review) -> dict[str, Any]:
    return {
        "id": str(review.pk),
        "prediction": str(review.prediction_id),
        "verdict": review.verdict,
        "true_label": review.true_label,
        "true_value": review.true_value,
        "true_labels": review.true_labels,
        "comment": review.comment,
        "picked_by": review.picked_by,
        "created_at": format_time(review.created_at),
        "withdrawn_at": format_time(review.withdrawn_at) if review.withdrawn_at else None,
    }
