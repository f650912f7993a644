"""Cancel the work of users whose account is deleted or anonymized."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from django.dispatch import receiver

from accounts.models import User
from accounts.signals import user_removing
from predictions.models import (
    BatchJob,
    Prediction,
    QueuedPrediction,
    ReviewAssignment,
    ReviewClaim,
    ReviewGoal,
    ShownPrediction,
)
from predictions.services.batch_jobs.states import end_job, lock_job
from predictions.services.inactive_users import CANCELED_ERROR, get_canceled_values
from predictions.services.prediction_events import record_prediction_events

CANCELED_PER_UPDATE = 500


@receiver(user_removing, dispatch_uid="predictions.cancel_user_work")
def cancel_user_work(*, user: User, **kwargs: Any) -> None:
    """Cancel the queued predictions and the batch jobs of a user, and delete their claims and assignments."""
    with transaction.atomic():
        queued = QueuedPrediction.objects.filter(prediction__user=user).order_by("pk")
        ids = list(queued.values_list("pk", flat=True))
        for start in range(0, len(ids), CANCELED_PER_UPDATE):
            _cancel_predictions(ids[start : start + CANCELED_PER_UPDATE])
        for job in BatchJob.objects.filter(user=user, completed_at=None).order_by("pk"):
            locked = lock_job(job)
            if not locked.is_final:
                end_job(locked, BatchJob.Status.CANCELED, **CANCELED_ERROR)
        for model in (ReviewClaim, ReviewAssignment, ReviewGoal, ShownPrediction):
            model.objects.filter(reviewer=user).delete()


def _cancel_predictions(ids: list[UUID]) -> None:
    """Cancel open predictions. As in `finish_prediction`, the queued row goes first, so that no worker stores a result."""
    QueuedPrediction.objects.filter(pk__in=ids).delete()
    open_ids = list(Prediction.objects.filter(pk__in=ids, status__in=Prediction.OPEN_STATUSES).values_list("pk", flat=True))
    Prediction.objects.filter(pk__in=open_ids).update(**get_canceled_values())
    record_prediction_events(prediction_ids=open_ids)
