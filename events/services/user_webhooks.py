"""Delete the webhooks of removed users, and pause those of accounts that are linked to a user of a provider."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from accounts.models import User
from accounts.signals import user_linking, user_removing
from events.services.webhooks import delete_webhooks, pause_webhooks


@receiver(user_removing, dispatch_uid="events.delete_user_webhooks")
def delete_user_webhooks(*, user: User, **kwargs: Any) -> None:
    """Delete the webhooks of a user with their deliveries, in the transaction that removes the user."""
    delete_webhooks(user=user)


@receiver(user_linking, dispatch_uid="events.pause_user_webhooks")
def pause_user_webhooks(*, user: User, **kwargs: Any) -> None:
    """Pause the webhooks of a user: somebody else may have created them. The user can resume them."""
    pause_webhooks(user=user)
