"""Cancel the work of users whose account is deleted or anonymized."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.dispatch import receiver

from accounts.models import User
from accounts.signals import user_removing
from predictions.models import (
    BatchJob,
    QueuedPrediction,
    ReviewAssignment,
    ReviewClaim,
    ReviewGoal,
    ShownPrediction,
)
from predictions.services.background.transitions import finish_predictions
from predictions.services.batch_jobs.states import end_job, lock_job
from predictions.services.inactive_users import CANCELED_ERROR, get_canceled_values


@receiver(user_removing, dispatch_uid="predictions.cancel_user_work")
def cancel_user_work(*, user: User, **kwargs: Any) -> None:
    """Cancel the queued predictions and the batch jobs of a user, and delete their claims and assignments."""
    with transaction.atomic():
        queued = QueuedPrediction.objects.filter(prediction__user=user).order_by("pk")
        ids = list(queued.values_list("pk", flat=True))
        finish_predictions(ids, get_canceled_values())
        for job in BatchJob.objects.filter(user=user, completed_at=None).order_by("pk"):
            locked = lock_job(job)
            if not locked.is_final:
                end_job(locked, BatchJob.Status.CANCELED, **CANCELED_ERROR)
        for model in (ReviewClaim, ReviewAssignment, ReviewGoal, ShownPrediction):
            model.objects.filter(reviewer=user).delete()
