"""Who may review, cancel, and export predictions, and change batch jobs. The rows are those that the user can see."""

from __future__ import annotations

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.utils.translation import gettext_lazy as _

from accounts.permissions import (
    CANCEL_PREDICTIONS,
    CHANGE_BATCH_JOBS,
    EXPORT_PREDICTIONS,
    REVIEW_PREDICTIONS,
    SEND_GROUND_TRUTH,
    has_permission,
)
from predictions.models import BatchJob, Prediction
from predictions.querysets import PredictionQuerySet

REVIEW_DENIED = _("You don't have permission to review the predictions of other users.")
JOB_CHANGE_DENIED = _("You don't have permission to change the batch jobs of other users.")
EXPORT_DENIED = _("You don't have permission to export the predictions of other users.")

AnyUser = AbstractBaseUser | AnonymousUser


def can_review(prediction: Prediction, user: AnyUser) -> bool:
    """Return whether a user can review a prediction that they can see."""
    return not prediction.is_erased and (prediction.user_id == user.pk or has_permission(user, REVIEW_PREDICTIONS))


def can_send_ground_truth(prediction: Prediction, user: AnyUser) -> bool:
    """Return whether a user can send ground truth for a prediction that they can see."""
    return prediction.user_id == user.pk or has_permission(user, SEND_GROUND_TRUTH)


def can_cancel(prediction: Prediction, user: AnyUser) -> bool:
    """Return whether a user can cancel a queued or running prediction that they can see."""
    return prediction.user_id == user.pk or has_permission(user, CANCEL_PREDICTIONS)


def can_change_job(job: BatchJob, user: AnyUser) -> bool:
    """Return whether a user can add images to a batch job that they can see, or start, cancel, or retry it."""
    return job.user_id == user.pk or has_permission(user, CHANGE_BATCH_JOBS)


def can_export_job(job: BatchJob, user: AnyUser) -> bool:
    """Return whether a user can download the results of a batch job that they can see."""
    return job.user_id == user.pk or has_permission(user, EXPORT_PREDICTIONS)


def select_exportable(predictions: PredictionQuerySet, user: AnyUser) -> PredictionQuerySet:
    """Return those predictions, of the ones that a user can see, that they can export: without permission only their own."""
    return predictions if has_permission(user, EXPORT_PREDICTIONS) else predictions.owned_by(user)
