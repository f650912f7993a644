"""Keep predictions that no rollup has counted yet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.dispatch import receiver

from monitoring.models import RolledPeriod
from monitoring.windows import HOUR, round_down
from predictions.models import Prediction
from predictions.signals import predictions_removing


@receiver(predictions_removing, dispatch_uid="monitoring.keep_uncounted")
def keep_uncounted(*, rows: Sequence[Prediction], **kwargs: Any) -> set[UUID]:
    """Return the predictions from hours without a rollup."""
    hours = {row.pk: round_down(row.created_at, HOUR) for row in rows}
    periods = RolledPeriod.objects.filter(start__in=set(hours.values()), hours=1)
    rolled = set(periods.values_list("start", flat=True))
    return {pk for pk, hour in hours.items() if hour not in rolled}
