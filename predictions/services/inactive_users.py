"""The users whose work is canceled, because their account is deactivated."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils import timezone

from accounts.models import User
from predictions.models import Prediction

CANCELED_ERROR = {
    "error_code": "user-inactive",
    "error_message": "Canceled, because the account of the user is not active.",
}


def is_inactive(user_id: UUID | None) -> bool:
    """Return whether an account exists and is deactivated. Work without a user, such as that of a command, goes on."""
    return user_id is not None and User.objects.filter(pk=user_id, is_active=False).exists()


def get_canceled_values() -> dict[str, Any]:
    """Return the values of a prediction of an inactive user."""
    return {"status": Prediction.Status.CANCELED, "completed_at": timezone.now(), **CANCELED_ERROR}
