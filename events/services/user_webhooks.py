"""Delete the webhooks of users whose account is deleted or anonymized."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from accounts.models import User
from accounts.signals import user_removing
from events.services.webhooks import delete_webhooks


@receiver(user_removing, dispatch_uid="events.delete_user_webhooks")
def delete_user_webhooks(*, user: User, **kwargs: Any) -> None:
    """Delete the webhooks of a user with their deliveries, in the transaction that removes the user."""
    delete_webhooks(user=user)
