"""Who may run versions again on reviewed inputs, and who may cancel that."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.permissions import PROMOTE_MODELS, can_view_all, has_permission
from evaluation.models import Replay

REPLAY_DENIED = _("You don't have permission to evaluate versions.")


def can_start_replay(user: User) -> bool:
    """Return whether a user can start a replay. It includes the reviewed predictions that they can see."""
    return can_view_all(user) or has_permission(user, PROMOTE_MODELS)


def can_cancel_replay(replay: Replay, user: User) -> bool:
    """Return whether a user can cancel a replay that they can see."""
    return replay.user_id == user.pk or has_permission(user, PROMOTE_MODELS)
