"""Who may change predictions and batch jobs."""

from __future__ import annotations

from accounts.models import User
from predictions.models import BatchJob, Prediction

CANCEL_PERMISSION = "predictions.change_prediction"


def can_cancel(prediction: Prediction, user: User) -> bool:
    """Return whether a user can cancel a queued or running prediction that they can see."""
    return prediction.user_id == user.pk or user.has_perm(CANCEL_PERMISSION)


def can_change_job(job: BatchJob, user: User) -> bool:
    """Return whether a user can add images to a batch job that they can see, or start, cancel, or retry it."""
    return job.user_id == user.pk or user.is_superuser
