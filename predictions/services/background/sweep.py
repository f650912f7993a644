"""Recover queued predictions: those that have expired, those of lost workers, and those whose task may be lost."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from core.leases import MAX_CLOCK_DIFFERENCE, build_lost_condition
from core.tasks import enqueue
from predictions.models import QueuedPrediction
from predictions.services.background.submission import TASK_NAME
from predictions.services.background.transitions import Lease, expire_prediction, fail_prediction, return_to_queue

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 3
MAX_SWEPT_ROWS = 500  # per run


def expire_queued(*, now: datetime | None = None) -> int:
    """Fail predictions that have not started in time, as a background job of the server. Return their number.

    Args:
        now: for tests; defaults to the current time.
    """
    rows = QueuedPrediction.objects.filter(leased_until=None, expires_at__lte=now or timezone.now())
    ids = list(rows.order_by("expires_at").values_list("pk", flat=True)[:MAX_SWEPT_ROWS])
    return sum(expire_prediction(prediction_id) for prediction_id in ids)


def requeue_lost(*, now: datetime | None = None) -> int:
    """Queue predictions of lost workers again, and enqueue those whose task may be lost. Return the number of tasks.

    A background job of the server. A prediction whose worker was lost `MAX_ATTEMPTS` times fails. Times that are later than
    any can be were set before the clock was set back, and have passed.

    Args:
        now: for tests; defaults to the current time.
    """
    now = now or timezone.now()
    is_lost = build_lost_condition(now=now, lease_seconds=settings.BACKGROUND_LEASE_SECONDS)
    for row in QueuedPrediction.objects.filter(is_lost).order_by("leased_until")[:MAX_SWEPT_ROWS]:
        lease = Lease(row.pk, row.leased_until, row.attempts)
        if row.attempts >= MAX_ATTEMPTS:
            message = f"The worker that ran the prediction was lost {row.attempts} times."
            fail_prediction(row.pk, "worker-lost", message, **lease.guard)
        else:
            logger.warning("worker lost", extra={"prediction": str(row.pk), "attempts": row.attempts})
            return_to_queue(lease, enqueue_at=now, attempts=row.attempts)
    waiting = QueuedPrediction.objects.filter(leased_until=None)
    latest = now + timedelta(seconds=settings.MAX_TASK_REPEAT_SECONDS) + MAX_CLOCK_DIFFERENCE
    overdue = [  # two queries, because one would read all rows that wait
        *waiting.filter(enqueue_at__lte=now).order_by("enqueue_at")[:MAX_SWEPT_ROWS],
        *waiting.filter(enqueue_at__gt=latest).order_by("-enqueue_at")[:MAX_SWEPT_ROWS],
    ]
    for row in overdue:
        # The interval grows with the age, so that a long queue does not fill the broker.
        seconds = max(settings.TASK_REPEAT_SECONDS, (now - row.created_at).total_seconds())
        interval = timedelta(seconds=min(seconds, settings.MAX_TASK_REPEAT_SECONDS))
        if waiting.filter(pk=row.pk, enqueue_at=row.enqueue_at).update(enqueue_at=now + interval):
            enqueue(TASK_NAME, str(row.pk))
    return len(overdue)


def requeue_prediction(*, queued: QueuedPrediction) -> None:
    """Enqueue the task of a prediction now. Nothing happens if a worker is running the prediction or if it is final."""
    enqueue(TASK_NAME, str(queued.pk))
