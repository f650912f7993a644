"""Change the status of replays. Each change is one guarded UPDATE, and a lease names the worker, as for batch jobs."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from core.leases import build_free_condition, claim_row, filter_leased
from core.locks import refresh_row
from core.tasks import enqueue
from evaluation.models import Replay

logger = logging.getLogger(__name__)

TASK_NAME = "evaluation.run_replay"
MAX_SWEPT_REPLAYS = 100  # per run
Status = Replay.Status


def get_queued_values() -> dict[str, Any]:
    """Return the values of a replay that waits for a worker."""
    leased_until = timezone.now() + timedelta(seconds=settings.TASK_REPEAT_SECONDS)
    return {"status": Status.QUEUED, "leased_until": leased_until}


def enqueue_replay(replay: Replay) -> None:
    """Let a worker run a queued replay once the transaction is committed."""
    enqueue(TASK_NAME, str(replay.pk))


def claim_replay(replay_id: str) -> Replay | None:
    """Take the lease of a replay that waits for a worker, or whose worker is lost. Return None for any other one."""
    return claim_row(Replay.objects.select_related("model_version__model", "baseline__model", "user"), replay_id)


def release_replay(replay: Replay) -> None:
    """Queue a running replay again, so that other tasks get a turn."""
    with transaction.atomic():
        if filter_leased(replay).update(**get_queued_values()):
            enqueue_replay(replay)


def end_replay(replay: Replay, status: str, *, error_code: str = "", error_message: str = "") -> None:
    """Give a running replay a final status. What was processed stays."""
    values = {"status": status, "completed_at": timezone.now(), "leased_until": None}
    if error_code:
        logger.warning("replay ended", extra={"replay": str(replay.pk), "status": status, "error_code": error_code})
    filter_leased(replay).update(**values, error_code=error_code, error_message=error_message)


def cancel_replay(*, replay: Replay) -> Replay:
    """Cancel a replay that has not ended. An ended one is returned unchanged.

    Raises:
        RowDeleted: the replay was deleted.
    """
    open_rows = Replay.objects.filter(pk=replay.pk, completed_at=None)
    open_rows.update(status=Status.CANCELED, completed_at=timezone.now(), leased_until=None)
    refresh_row(replay)
    return replay


def requeue_lost_replays() -> int:
    """Queue replays again whose task or worker is lost. Return their number."""
    lease_seconds = max(settings.BATCH_JOB_LEASE_SECONDS, settings.TASK_REPEAT_SECONDS)
    lost = build_free_condition(now=timezone.now(), lease_seconds=lease_seconds)
    count = 0
    for replay in Replay.objects.filter(lost, completed_at=None).order_by("leased_until")[:MAX_SWEPT_REPLAYS]:
        with transaction.atomic():
            unchanged = Replay.objects.filter(pk=replay.pk, status=replay.status, leased_until=replay.leased_until)
            if unchanged.update(**get_queued_values()):
                enqueue_replay(replay)
                count += 1
    return count
