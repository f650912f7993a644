"""What is done after a request, when its answer has gone out and nobody waits."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from threading import Lock

import django.db
from django.utils import timezone

from predictions.operations.windows import HOUR, floor
from predictions.services.rollup import LAG, roll_up

logger = logging.getLogger(__name__)

AT_ONCE = 24  # hours that are counted after one request; what is left waits for the next


class HourlyRollup:
    """Counts the hours that are over after the first request past each, so that the page on operations need not.

    Connect it to Django's `request_finished`. One thread of a process does it, the others go on.
    """

    def __init__(self) -> None:
        self._due = datetime(1970, 1, 1, tzinfo=UTC)
        self._lock = Lock()

    def __call__(self, **event: object) -> None:
        now = timezone.now()
        if now < self._due or not self._lock.acquire(blocking=False):
            return
        try:
            self._due = floor(now - LAG, HOUR) + HOUR + LAG
            if roll_up(most=AT_ONCE, now=now) == AT_ONCE:
                self._due = now
        except django.db.Error as error:
            logger.warning("not rolled up", exc_info=error)
        finally:
            self._lock.release()
            if not django.db.connection.in_atomic_block:
                django.db.close_old_connections()  # as Django does, which is through with this request
