"""Counts of hours and days that are over, so that no page counts a million predictions."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from predictions.fields import UUID7Field
from predictions.models.registry import ModelVersion


class RolledPeriod(models.Model):
    """An hour or a day whose predictions have been counted. It is there for an hour without predictions too."""

    id = UUID7Field()
    start = models.DateTimeField()
    hours = models.PositiveSmallIntegerField(help_text="1, or 24 for a day from midnight, UTC.")
    rolled_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar = models.Manager()

    class Meta:
        constraints = [
            # Keeps two who roll up at once from counting an hour twice. Also serves: which periods of a window are counted.
            models.UniqueConstraint(fields=["start", "hours"], name="rolledperiod_once"),
            models.CheckConstraint(condition=Q(hours__in=[1, 24]), name="rolledperiod_hour_or_day"),
        ]

    def __str__(self) -> str:
        return f"{self.start:%Y-%m-%d %H:%M} + {self.hours} h"


class Rollup(models.Model):
    """What one model version did in one period. Made from the ledger alone; it can be thrown away and made again."""

    id = UUID7Field()
    # The constraint below serves this key's own queries too.
    period = models.ForeignKey(RolledPeriod, models.CASCADE, db_index=False, related_name="rollups")
    model_version = models.ForeignKey(ModelVersion, models.CASCADE, related_name="+")
    counts = models.JSONField(help_text="Predictions by status, error, label and user (by id; empty: nobody any more).")
    confidences = models.PositiveBigIntegerField(help_text="How many answers have one.")
    confidence_sum = models.FloatField()
    input_bytes = models.PositiveBigIntegerField(help_text="Size of the inputs that were asked about.")
    latencies = models.BinaryField(help_text="All of them, sorted, packed by `predictions.operations.tally`.")

    objects: ClassVar = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["period", "model_version"], name="rollup_version_once"),
        ]

    def __str__(self) -> str:
        return f"{self.model_version_id} in {self.period_id}"
