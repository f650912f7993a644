"""The relay: create the deliveries of new events, and send what is due. Any number of relays share the work."""

from __future__ import annotations

import logging
import threading
from collections.abc import Container
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from time import monotonic

from django.db import DatabaseError, InterfaceError, connections
from django.utils import timezone

from core.database_limits import use_job_limits
from events.models import Delivery, TargetStatus
from events.services.deliver import deliver_batch, is_paused
from events.services.fan_out import MAX_EVENTS, fan_out_events
from events.sinks.base import Sink
from events.targets import get_sink_classes, open_sink

logger = logging.getLogger(__name__)

THREAD_COUNT = 8  # for webhooks, so that a slow one does not hold others
RUN_SECONDS = 10  # of the scheduled job, and of the work for one target; then other targets get a turn
POLL_SECONDS = 1.0  # between two looks at the database when nothing is due


def relay_pending() -> int:
    """Send what is due, for the scheduler of the server. Return the number of deliveries that were tried.

    If nothing is due, this is two queries of small partial indexes.
    """
    with Relay() as relay:
        return relay.run(seconds=RUN_SECONDS)


class Relay:
    """Sends events. At most one batch of each target is in flight at a time.

    Use it as a context manager, which waits for the batches in flight and closes the sinks.
    """

    def __init__(self, *, thread_count: int = THREAD_COUNT) -> None:
        self._stopping = threading.Event()
        # Each configured sink has a thread, which webhooks of users cannot hold. Threads are started when they are needed.
        self._executor = ThreadPoolExecutor(thread_count, thread_name_prefix="relay")
        self._sink_executor = ThreadPoolExecutor(max(1, len(get_sink_classes())), thread_name_prefix="relay-sink")
        self._in_flight: dict[str, Future[int]] = {}
        self._sinks: dict[str, Sink] = {}

    def __enter__(self) -> Relay:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()
        for executor in (self._executor, self._sink_executor):
            executor.shutdown()
        for sink in self._sinks.values():
            sink.close()

    def stop(self) -> None:
        """Stop after the batches in flight."""
        self._stopping.set()

    def run(self, *, seconds: float) -> int:
        """Work until nothing is due, the time is over, or the relay is stopped. Return the number of tried deliveries.

        It then waits for the batches in flight. While a webhook is slow, the configured sinks still get their events.
        """
        count = self._work(monotonic() + seconds)
        while self._in_flight:
            sinks = get_sink_classes().keys()
            if not (self._stopping.is_set() or self._in_flight.keys() <= sinks):
                fan_out_events()
                self._start_targets(sinks)
            count += self._collect(POLL_SECONDS)
        return count

    def run_forever(self) -> None:
        """Work until the relay is stopped, without waiting for slow targets. If the database is unavailable, try again."""
        while not self._stopping.is_set():
            count = 0
            try:
                count = self._work(monotonic() + RUN_SECONDS)
            except (DatabaseError, InterfaceError) as error:
                logger.error("the relay cannot use the database", exc_info=error)
                connections.close_all()
            if not count:
                self._stopping.wait(POLL_SECONDS)

    def _work(self, deadline: float) -> int:
        """Start what is due until nothing is left, the time is over, or the relay is stopped. Batches stay in flight.

        Without a target that receives them, new events wait for the next call, which then has many of them. Otherwise, the
        scheduled job of a busy server would never end: each loop finds a few events that were stored meanwhile.
        """
        count = 0
        while not self._stopping.is_set() and monotonic() < deadline:
            fanned_out = fan_out_events()
            self._start_targets()
            done = self._collect(0 if fanned_out == MAX_EVENTS else POLL_SECONDS)
            count += done
            if not (fanned_out == MAX_EVENTS or done or self._in_flight):
                break
        return count

    def _start_targets(self, allowed: Container[str] | None = None) -> None:
        """Start sending due deliveries to the targets without a batch in flight: to all of them, or to those allowed."""
        paused = set(TargetStatus.objects.filter(next_attempt_at__gt=timezone.now()).values_list("pk", flat=True))
        due = Delivery.objects.filter(next_attempt_at__lte=timezone.now())
        for target in due.iterate_targets():
            is_allowed = allowed is None or target in allowed
            if is_allowed and target not in self._in_flight and target not in paused:
                executor = self._sink_executor if target in get_sink_classes() else self._executor
                self._in_flight[target] = executor.submit(self._relay_target, target)

    def _relay_target(self, target: str) -> int:
        """Send to one target until nothing is due, it is paused, or other targets get a turn. Return the number."""
        deadline = monotonic() + RUN_SECONDS
        is_configured = target in get_sink_classes()
        sink = self._sinks.get(target) or open_sink(target)
        count = 0
        try:
            with use_job_limits():
                while sink and not self._stopping.is_set() and monotonic() < deadline:
                    sent = deliver_batch(target=target, sink=sink)
                    count += sent
                    if not sent or is_paused(target):
                        break
        finally:
            connections.close_all()
            if sink and is_configured:
                self._sinks[target] = sink
            elif sink:
                sink.close()
        return count

    def _collect(self, timeout: float | None) -> int:
        """Wait until a target is done, or until the time is over. Return the number of deliveries that were tried."""
        if not self._in_flight:
            return 0
        wait(self._in_flight.values(), timeout, FIRST_COMPLETED)
        count = 0
        for target, future in list(self._in_flight.items()):
            if future.done():
                del self._in_flight[target]
                if error := future.exception():  # the deliveries are due again when their lease ends
                    logger.error("the relay failed", exc_info=error, extra={"target": target})
                    if sink := self._sinks.pop(target, None):
                        sink.close()
                else:
                    count += future.result()
        return count
