"""The permissions of the site: the only place that names them. Groups are bundles of them, and superusers have all.

`is_staff` only opens the admin. Owners need no permission for their own predictions and batch jobs.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

VIEW_PREDICTIONS = "predictions.view_prediction"  # and the inputs, reviews, and metrics of all users
REVIEW_PREDICTIONS = "predictions.review_prediction"
SEND_GROUND_TRUTH = "predictions.send_ground_truth"
EXPORT_PREDICTIONS = "predictions.export_prediction"
CANCEL_PREDICTIONS = "predictions.change_prediction"
VIEW_BATCH_JOBS = "predictions.view_batchjob"
CHANGE_BATCH_JOBS = "predictions.change_batchjob"
VIEW_MODELS = "registry.view_registeredmodel"  # also those without an alias
PROMOTE_MODELS = "registry.change_alias"
VIEW_OPERATIONS = "monitoring.view_rollup"
MANAGE_ALERTS = "monitoring.change_alert"  # acknowledge and mute alerts, and change their rules
VIEW_EVENTS = "events.view_event"  # and their deliveries, in the admin
SEND_EVENTS = "events.change_delivery"  # again

PERMISSIONS = (
    VIEW_PREDICTIONS, REVIEW_PREDICTIONS, SEND_GROUND_TRUTH, EXPORT_PREDICTIONS, CANCEL_PREDICTIONS, VIEW_BATCH_JOBS,
    CHANGE_BATCH_JOBS, VIEW_MODELS, PROMOTE_MODELS, VIEW_OPERATIONS, MANAGE_ALERTS, VIEW_EVENTS,
    SEND_EVENTS,
)  # fmt: skip


def has_permission(user: AbstractBaseUser | AnonymousUser, permission: str) -> bool:
    """Return whether an active user has a permission, directly, by a group, or as a superuser."""
    account: Any = user
    return bool(account.is_active and account.has_perm(permission))


def can_view_all(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Return whether a user can see the predictions of all users."""
    return has_permission(user, VIEW_PREDICTIONS)


def can_review_all(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Return whether a user can see and review the predictions of all users, as the review queue requires."""
    return can_view_all(user) and has_permission(user, REVIEW_PREDICTIONS)
