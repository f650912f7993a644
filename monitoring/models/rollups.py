"""Rollups: predictions counted per hour and day, so that no page counts a whole table. Deployments of the server."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.fields import UUID7Field
from registry.models import ModelVersion


class RolledPeriod(models.Model):
    """An hour or a day whose predictions have been counted. Hours without predictions have a row too."""

    id = UUID7Field()
    start = models.DateTimeField()
    hours = models.PositiveSmallIntegerField(help_text=_("1 for an hour, 24 for a day from midnight UTC."))
    rolled_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar = models.Manager()

    class Meta:
        constraints = [
            # Keeps two processes from counting an hour twice. Also serves: the counted periods of a window.
            models.UniqueConstraint(fields=["start", "hours"], name="rolledperiod_once"),
            models.CheckConstraint(condition=Q(hours__in=[1, 24]), name="rolledperiod_hour_or_day"),
        ]

    def __str__(self) -> str:
        return f"{self.start:%Y-%m-%d %H:%M} + {self.hours} h"


class Rollup(models.Model):
    """Counts of one model version in one period. Derived from predictions: it can be deleted and computed again."""

    id = UUID7Field()
    # The constraint below serves this key's own queries too.
    period = models.ForeignKey(RolledPeriod, models.CASCADE, db_index=False, related_name="rollups")
    model_version = models.ForeignKey(ModelVersion, models.CASCADE, related_name="+")
    counts = models.JSONField(
        help_text=_("Predictions by status, error code, and label. By user ID if `users` is null (empty without a user).")
    )
    users = models.BinaryField(
        null=True, help_text=_("Predictions by number of the user, packed by `monitoring.user_counts`.")
    )
    confidences = models.PositiveBigIntegerField(help_text=_("Number of predictions with a confidence."))
    confidence_sum = models.FloatField()
    input_bytes = models.PositiveBigIntegerField(help_text=_("Total size of the inputs."))
    latencies = models.BinaryField(help_text=_("All latencies, sorted and packed by `monitoring.tally`."))

    objects: ClassVar = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["period", "model_version"], name="rollup_version_once"),
        ]

    def __str__(self) -> str:
        return f"{self.model_version_id} in {self.period_id}"


class CountedUser(models.Model):
    """The number of a user in `Rollup.users`. That of a deleted user remains without a user, and is never used again."""

    number = models.BigAutoField(primary_key=True)
    # Its unique index also serves: the numbers without a user.
    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="counted")

    objects: ClassVar = models.Manager()

    def __str__(self) -> str:
        return str(self.number)


class Deployment(models.Model):
    """The first start of a version of mlsite, which the charts of the operations page mark."""

    id = UUID7Field()
    version = models.CharField(max_length=50)
    commit = models.CharField(max_length=64, blank=True, help_text=_("Empty if it is not known."))
    started_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar = models.Manager()

    class Meta:
        constraints = [
            # Keeps two processes from recording a version twice.
            models.UniqueConstraint(fields=["version", "commit"], name="deployment_once"),
        ]
        indexes = [models.Index(fields=["started_at"], name="deployment_started")]  # serves: the deployments of a window

    def __str__(self) -> str:
        return f"{self.version} {self.commit}".strip()
