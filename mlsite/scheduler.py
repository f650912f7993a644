"""What is done after a request, beside the next ones."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from threading import Lock, Thread

from django.db import connections
from django.utils import timezone

from monitoring.services.rollup import roll_up
from monitoring.windows import HOUR, LAG, floor

logger = logging.getLogger(__name__)

AT_ONCE = 24  # hours that are counted in one transaction


class HourlyRollup:
    """Counts the hours that are over after the first request past each, so that the page on operations need not.

    Connect it to Django's `request_finished`. It counts in a thread with a connection of its own: nobody waits for it, not
    even who asks next on the same connection.
    """

    def __init__(self) -> None:
        self._due = datetime(1970, 1, 1, tzinfo=UTC)
        self._lock = Lock()

    def __call__(self, **event: object) -> None:
        now = timezone.now()
        if now < self._due or not self._lock.acquire(blocking=False):
            return
        self._due = floor(now - LAG, HOUR) + HOUR + LAG
        Thread(target=self._count, args=(now,), name="roll-up", daemon=True).start()

    def _count(self, now: datetime) -> None:
        """Count all that is over; what goes wrong is logged, and tried again an hour later."""
        try:
            while roll_up(most=AT_ONCE, now=now):
                pass
        except Exception:
            logger.exception("not rolled up")
        finally:
            self._lock.release()
            connections.close_all()
