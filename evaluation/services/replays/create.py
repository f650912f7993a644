"""Create replays."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.permissions import can_view_all
from evaluation.models import Replay
from evaluation.replay_results import get_review_kind
from evaluation.services.replays.states import enqueue_replay, get_queued_values
from inference.signature import RawOutput
from registry.models import ModelVersion

MAX_STORED_REPLAYS = 10  # of the same versions and sample


class InvalidReplay(ValueError):
    """The two versions cannot be compared. The message is for the page."""


def create_replay(*, user: User, version: ModelVersion, baseline: ModelVersion, picked_by: str = "") -> Replay:
    """Queue a replay. If the same one is queued or running already, return that one.

    Args:
        user: the replay includes the reviewed predictions that this user can see.
        version: the version in question, such as a candidate for production.
        baseline: another version of the same model.
        picked_by: only predictions selected for review by this strategy; empty for all.

    Raises:
        InvalidReplay: both are the same version, or versions of different models, or their output cannot be compared.
    """
    if version.pk == baseline.pk:
        raise InvalidReplay(_("Choose two different versions. A version is not compared with itself."))
    if version.model_id != baseline.model_id:
        raise InvalidReplay(_("Choose two versions of the same model."))
    outputs = version.parsed_signature.output, baseline.parsed_signature.output
    if any(isinstance(output, RawOutput) for output in outputs) or get_review_kind(version) != get_review_kind(baseline):
        raise InvalidReplay(_("The outputs of these versions cannot be compared with the labels or values of reviews."))
    covers_all = can_view_all(user)
    key = {"model_version": version, "baseline": baseline, "picked_by": picked_by, "covers_all": covers_all}
    mine = {} if covers_all else {"user": user}
    rows = Replay.objects.filter(**key, **mine)
    if open_replay := rows.filter(completed_at=None).first():
        return open_replay
    try:
        with transaction.atomic():
            replay = Replay.objects.create(**key, user=user, **get_queued_values())
            newest = rows.order_by("-id").values_list("pk", flat=True)[:MAX_STORED_REPLAYS]
            rows.exclude(completed_at=None).exclude(pk__in=list(newest)).delete()
            enqueue_replay(replay)
    except IntegrityError:  # another request has created it meanwhile
        return rows.filter(completed_at=None).get()
    return replay
