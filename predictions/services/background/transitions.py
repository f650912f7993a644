"""Changes of the status of queued predictions, each guarded by a condition in the database.

The row of `QueuedPrediction` decides who may change its prediction: each change updates or deletes this row under a
condition, and updates the prediction in the same transaction. A second worker, a late result, or a repeated task therefore
changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from predictions.models import Prediction, QueuedPrediction
from predictions.services.prediction_events import record_prediction_events

logger = logging.getLogger(__name__)

MAX_FINISHED_ROWS = 500  # per transaction


@dataclass(frozen=True, slots=True)
class Lease:
    """The right of one worker to run a prediction and to store its result, until a time."""

    prediction_id: UUID
    until: datetime | None
    attempts: int

    @property
    def guard(self) -> dict[str, Any]:
        """The values of the queued prediction while this worker holds it."""
        return {"leased_until": self.until, "attempts": self.attempts}


def claim_prediction(prediction_id: UUID) -> Lease | None:
    """Start a queued prediction. Return None if it is not queued any more, or if it has expired."""
    now = timezone.now()
    queued = QueuedPrediction.objects.filter(pk=prediction_id, leased_until=None).first()
    if queued is None:
        return None
    if queued.expires_at and queued.expires_at <= now:
        expire_prediction(prediction_id)
        return None
    lease = Lease(prediction_id, now + timedelta(seconds=settings.BACKGROUND_LEASE_SECONDS), queued.attempts + 1)
    with transaction.atomic():
        rows = QueuedPrediction.objects.filter(pk=prediction_id, leased_until=None, attempts=queued.attempts)
        if not rows.update(leased_until=lease.until, attempts=F("attempts") + 1):
            return None
        _change_status(prediction_id, Prediction.Status.QUEUED, status=Prediction.Status.RUNNING, started_at=now)
    return lease


def finish_prediction(prediction_id: UUID, changes: dict[str, Any], **guard: Any) -> bool:
    """Store a final status and its event, and delete the work that is left, all or none. Return whether the guard held.

    Args:
        guard: values that the queued prediction must still have.
    """
    with transaction.atomic():
        deleted, _ = QueuedPrediction.objects.filter(pk=prediction_id, **guard).delete()
        if deleted:
            _change_status(prediction_id, *Prediction.OPEN_STATUSES, **changes)
            record_prediction_events(prediction_ids=[prediction_id])
    return bool(deleted)


def finish_predictions(prediction_ids: Sequence[UUID], changes: dict[str, Any]) -> int:
    """Do what `finish_prediction` does for many predictions, without a guard. Return how many were not final yet.

    They are changed in groups of `MAX_FINISHED_ROWS`, each in a transaction of its own unless one is open.
    """
    count = 0
    for start in range(0, len(prediction_ids), MAX_FINISHED_ROWS):
        with transaction.atomic():
            some = QueuedPrediction.objects.filter(pk__in=prediction_ids[start : start + MAX_FINISHED_ROWS])
            # Locked in one order, so that two requests with the same predictions cannot deadlock.
            locked = list(some.select_for_update().order_by("pk").values_list("pk", flat=True))
            QueuedPrediction.objects.filter(pk__in=locked).delete()
            rows = Prediction.objects.filter(pk__in=locked, status__in=Prediction.OPEN_STATUSES)
            open_ids = list(rows.values_list("pk", flat=True))
            Prediction.objects.filter(pk__in=open_ids).update(**changes)
            record_prediction_events(prediction_ids=open_ids)
        count += len(open_ids)
    return count


def return_to_queue(lease: Lease, *, enqueue_at: datetime, attempts: int) -> None:
    """Queue a running prediction again, unless another worker has taken it or it is final."""
    with transaction.atomic():
        rows = QueuedPrediction.objects.filter(pk=lease.prediction_id, **lease.guard)
        if rows.update(leased_until=None, enqueue_at=enqueue_at, attempts=attempts):
            queued = Prediction.Status.QUEUED
            _change_status(lease.prediction_id, Prediction.Status.RUNNING, status=queued, started_at=None)


def expire_prediction(prediction_id: UUID) -> bool:
    message = "The prediction did not start before its deadline (expires_in)."
    return fail_prediction(prediction_id, "deadline-exceeded", message, leased_until=None)


def fail_prediction(prediction_id: UUID, code: str, message: str, **guard: Any) -> bool:
    """Store that a prediction has failed without a result. Return whether the guard still held."""
    logger.error("prediction failed in the queue", extra={"prediction": str(prediction_id), "error_code": code})
    changes = {"error_code": code, "error_message": message, "completed_at": timezone.now()}
    return finish_prediction(prediction_id, {"status": Prediction.Status.FAILED, **changes}, **guard)


def _change_status(prediction_id: UUID, *expected: str, **changes: Any) -> None:
    """Update a prediction that has one of the expected statuses.

    Raises:
        RuntimeError: it has another status. The transaction is rolled back.
    """
    if not Prediction.objects.filter(pk=prediction_id, status__in=expected).update(**changes):
        raise RuntimeError(f"The prediction {prediction_id} does not have the status {' or '.join(expected)}.")
