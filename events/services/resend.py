"""Send deliveries again."""

from __future__ import annotations

from django.db.models import QuerySet
from django.utils import timezone

from events.error_messages import get_error_columns
from events.models import Delivery, TargetStatus


def send_again(*, deliveries: QuerySet[Delivery]) -> int:
    """Let the relay send ended deliveries again, with new attempts. Return their number.

    Receivers that have got an event already recognize it by its ID. Events with the same key that are in flight are not
    stopped, so a repeated event can arrive after a later one.
    """
    ended = deliveries.exclude(state=Delivery.State.PENDING)
    targets = list(ended.order_by().values_list("target", flat=True).distinct())
    count = ended.update(
        state=Delivery.State.PENDING,
        attempts=0,
        next_attempt_at=timezone.now(),
        ended_at=None,
        details=None,
        **get_error_columns(""),
    )
    TargetStatus.objects.filter(pk__in=targets).update(next_attempt_at=None)
    return count
