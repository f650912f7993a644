"""Who may change predictions."""

from __future__ import annotations

from accounts.models import User
from predictions.models import Prediction

CANCEL_PERMISSION = "predictions.change_prediction"


def can_cancel(prediction: Prediction, user: User) -> bool:
    """Return whether a user can cancel a queued or running prediction that they can see."""
    return prediction.user_id == user.pk or user.has_perm(CANCEL_PERMISSION)
