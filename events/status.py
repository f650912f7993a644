"""How far the delivery of events is, for the operations page and `/metrics`."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet, Sum
from django.utils import timezone

from events.models import Delivery, Event, TargetStatus
from events.targets import SEPARATOR, get_sink_classes

MAX_COUNTED_ROWS = 100_000  # so that a long outage does not make the pages slow
NEW_EVENTS = "new"  # events for which no delivery exists yet


@dataclass(frozen=True, slots=True)
class TargetReport:
    """The deliveries of one sink, or of all targets of a provider such as `webhook`.

    Args:
        pending: at most `MAX_COUNTED_ROWS`.
        failed: deliveries that failed for good and were not sent again, at most `MAX_COUNTED_ROWS`.
        lag_seconds: the age of the oldest pending event; 0 if nothing is pending.
        delivered_total, failed_total: since the target exists.
        error: of the current outage of a sink, without a full stop. Those of webhooks are only shown to their users.
    """

    name: str
    pending: int
    failed: int
    lag_seconds: float
    delivered_total: int = 0
    failed_total: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class EventStatus:
    """The events that are not fanned out yet, and the targets by name."""

    new: TargetReport
    targets: list[TargetReport]

    @property
    def is_shown(self) -> bool:
        """Return whether there is a target, or an event that waits for the relay."""
        return bool(self.targets or self.new.pending)


def get_event_status(*, now: datetime | None = None) -> EventStatus:
    """Measure the targets, with a few queries of partial indexes for each of them."""
    now = now or timezone.now()
    new_events = Event.objects.filter(is_fanned_out=False)
    oldest = new_events.order_by("id").values_list("created_at", flat=True).first()
    new = TargetReport(NEW_EVENTS, _count(new_events) if oldest else 0, 0, _measure_age(oldest, now))
    groups = _group_targets()
    return EventStatus(new, [_measure_target(name, targets, now) for name, targets in sorted(groups.items())])


def _group_targets() -> dict[str, list[str]]:
    """Return the configured sinks and all targets that get or got events, by the name under which they are shown."""
    groups: dict[str, list[str]] = defaultdict(list)
    names = {*get_sink_classes(), *TargetStatus.objects.values_list("pk", flat=True), *Delivery.objects.iterate_targets()}
    for target in sorted(names):
        groups[target.partition(SEPARATOR)[0]].append(target)
    return groups


def _measure_target(name: str, targets: list[str], now: datetime) -> TargetReport:
    deliveries = Delivery.objects.filter(target__in=targets)
    pending = deliveries.pending()
    oldest = [
        pending.filter(target=target).order_by("event_id").values_list("event__created_at", flat=True).first()
        for target in pending.iterate_targets()
    ]
    totals = TargetStatus.objects.filter(pk__in=targets).aggregate(
        delivered=Sum("delivered_count"), failed=Sum("failed_count")
    )
    outage = TargetStatus.objects.filter(pk=name).values_list("error", flat=True).first()  # not of `webhook:<id>`
    return TargetReport(
        name,
        _count(pending),
        _count(deliveries.filter(state=Delivery.State.FAILED)),
        max((_measure_age(moment, now) for moment in oldest), default=0.0),
        totals["delivered"] or 0,
        totals["failed"] or 0,
        (outage or "").removesuffix("."),
    )


def _count(rows: QuerySet) -> int:
    return rows.order_by()[:MAX_COUNTED_ROWS].count()


def _measure_age(moment: datetime | None, now: datetime) -> float:
    return 0.0 if moment is None else max(0.0, (now - moment).total_seconds())
