"""Keep the predictions of stored replays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.dispatch import receiver

from evaluation.models import ReplayResult
from predictions.models import Prediction
from predictions.signals import predictions_removing


@receiver(predictions_removing, dispatch_uid="evaluation.keep_replayed")
def keep_replayed(*, rows: Sequence[Prediction], **kwargs: Any) -> set[UUID]:
    """Return the predictions that a replay compares."""
    results = ReplayResult.objects.filter(prediction__in=[row.pk for row in rows])
    return set(results.values_list("prediction", flat=True))
