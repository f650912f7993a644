"""How long the data of a model is stored, and what was removed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.fields import UUID7Field
from registry.models import RegisteredModel

MAX_RETENTION_DAYS = 36_500
DAYS_VALIDATORS = [MinValueValidator(1), MaxValueValidator(MAX_RETENTION_DAYS)]


class RetentionPolicy(models.Model):
    """After how many days the images and the rows of a model are removed. Without a policy, everything is stored."""

    model = models.OneToOneField(
        RegisteredModel, models.CASCADE, primary_key=True, related_name="retention_policy", verbose_name=_("model")
    )
    image_days = models.PositiveIntegerField(
        _("days for images"),
        null=True,
        blank=True,
        validators=DAYS_VALIDATORS,
        help_text=_("Older images are removed; their predictions stay. If empty, images stay as long as their rows."),
    )
    row_days = models.PositiveIntegerField(
        _("days for predictions"),
        null=True,
        blank=True,
        validators=DAYS_VALIDATORS,
        help_text=_("Older predictions are removed with their inputs. Metrics and counts stay. If empty, they stay."),
    )
    keep_reviewed = models.BooleanField(
        _("keep reviewed predictions"), default=True, help_text=_("Keep reviewed predictions with their inputs.")
    )
    positions = models.JSONField(
        default=dict, editable=False, help_text=_("The last prediction whose image was checked, by version.")
    )

    objects: ClassVar = models.Manager()

    class Meta:
        verbose_name = _("retention policy")
        verbose_name_plural = _("retention policies")
        constraints = [
            models.CheckConstraint(
                condition=(Q(image_days=None) | Q(image_days__gte=1)) & (Q(row_days=None) | Q(row_days__gte=1)),
                name="retentionpolicy_days",
            ),
        ]

    def __str__(self) -> str:
        return str(self.model)

    def get_limit(self, days: int | None, now: datetime) -> datetime | None:
        """Return the time before which data is removed; None if it stays. Responses that can be repeated stay longer."""
        if days is None:
            return None
        return now - max(timedelta(days=days), timedelta(hours=settings.IDEMPOTENCY_HOURS + 1))


class RetentionRun(models.Model):
    """What one application of a policy has removed. It is the record for audits."""

    class Trigger(models.TextChoices):
        SCHEDULE = "schedule", _("Schedule")
        COMMAND = "command", _("Command")

    id = UUID7Field()
    model = models.ForeignKey(RegisteredModel, models.CASCADE, related_name="retention_runs", verbose_name=_("model"))
    trigger = models.CharField(_("trigger"), max_length=10, choices=Trigger.choices)
    started_at = models.DateTimeField(_("started at"), default=timezone.now, editable=False)
    completed_at = models.DateTimeField(_("completed at"), null=True, blank=True)
    image_days = models.PositiveIntegerField(_("days for images"), null=True, blank=True)
    row_days = models.PositiveIntegerField(_("days for predictions"), null=True, blank=True)
    keep_reviewed = models.BooleanField(_("keep reviewed predictions"))
    removed_images = models.PositiveBigIntegerField(_("removed images"), default=0)
    removed_predictions = models.PositiveBigIntegerField(_("removed predictions"), default=0)
    removed_job_files = models.PositiveBigIntegerField(_("removed files of batch jobs"), default=0, db_default=0)

    objects: ClassVar = models.Manager()

    class Meta:
        verbose_name = _("retention run")
        verbose_name_plural = _("retention runs")

    def __str__(self) -> str:
        return str(self.id)
