"""Remove the replays of users who are erased, and what other replays contain of their inputs."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.dispatch import receiver
from django.utils.translation import gettext_lazy as _

from accounts.erasers import Eraser
from accounts.models import User
from accounts.services.erased_rows import DELETED, delete_some, unlink_some
from evaluation.models import Replay, ReplayResult
from predictions.signals import predictions_erasing


@receiver(predictions_erasing, dispatch_uid="evaluation.erase_replay_messages")
def erase_replay_messages(*, ids: Collection[UUID], **kwargs: Any) -> None:
    """Remove the messages of errors, which can contain features. The counts of correct labels stay."""
    ReplayResult.objects.filter(prediction__in=ids).exclude(error_message="").update(error_message="")


def _select_own(user: User) -> QuerySet:
    return Replay.objects.filter(user=user.pk, covers_all=False)


def _select_shared(user: User) -> QuerySet:
    return Replay.objects.filter(user=user.pk, covers_all=True)


def _select_results(user: User) -> QuerySet:
    return ReplayResult.objects.filter(replay__in=_select_own(user))


ERASERS = (
    Eraser("evaluation.replayresult", "", "", _select_results, lambda user: delete_some(_select_results(user))),
    Eraser(
        "evaluation.replay",
        _("replays of own predictions"),
        DELETED,
        _select_own,
        lambda user: delete_some(_select_own(user)),
    ),
    Eraser(
        "evaluation.replay.user",
        _("replays of all predictions"),
        _("Remain without a user"),
        _select_shared,
        lambda user: unlink_some(_select_shared(user), "user"),
    ),
)
