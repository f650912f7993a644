"""Replays: two versions of a model on the same reviewed inputs, outside the history."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.fields import UUID7Field
from core.querysets import VisibleQuerySet
from predictions.models import Prediction, Review
from registry.models import ModelVersion


class Replay(models.Model):
    """A background job that runs a version and a baseline on reviewed inputs, and compares both with the true outputs.

    Its results are not predictions: they are not in the history, in metrics, or in rollups.
    """

    class Status(models.TextChoices):
        QUEUED = "queued", _("queued")
        RUNNING = "running", _("running")
        SUCCEEDED = "succeeded", _("succeeded")  # some of its inputs may have failed
        FAILED = "failed", _("failed")
        CANCELED = "canceled", _("canceled")

    FINAL_STATUSES = (Status.SUCCEEDED, Status.FAILED, Status.CANCELED)

    id = UUID7Field()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    model_version = models.ForeignKey(ModelVersion, models.CASCADE, related_name="+")
    baseline = models.ForeignKey(ModelVersion, models.CASCADE, related_name="+")
    picked_by = models.CharField(
        max_length=10, choices=Review.PickedBy.choices, blank=True, help_text=_("The sample. Empty for all reviewed inputs.")
    )
    covers_all = models.BooleanField(
        help_text=_("Whether it includes the predictions of all users, or only those of its user.")
    )
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED)
    total_items = models.PositiveIntegerField(null=True, help_text=_("Unknown until the inputs have been selected."))
    done_items = models.PositiveIntegerField(default=0)
    error_code = models.CharField(max_length=50, blank=True)
    error_message = models.TextField(blank=True)
    attempts = models.PositiveSmallIntegerField(
        default=0, help_text=_("How often a worker has started it without progress.")
    )
    leased_until = models.DateTimeField(
        null=True,
        help_text=_("A worker is running it, or a task for it is queued. After this time, both are considered lost."),
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    started_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)

    objects: ClassVar = VisibleQuerySet.as_manager()

    class Meta:
        indexes = [
            # Serves: the sweep for lost replays. Final ones are not in it.
            models.Index("leased_until", name="replay_open", condition=Q(completed_at=None)),
        ]
        constraints = [
            models.CheckConstraint(condition=~Q(model_version=F("baseline")), name="replay_two_versions"),
            models.CheckConstraint(
                condition=Q(status__in=["succeeded", "failed", "canceled"], completed_at__isnull=False)
                | Q(status__in=["queued", "running"], completed_at=None),
                name="replay_final_is_completed",
            ),
            # One replay of the same versions and sample at a time.
            models.UniqueConstraint(
                fields=["model_version", "baseline", "picked_by"],
                condition=Q(completed_at=None, covers_all=True),
                name="replay_one_open",
            ),
            models.UniqueConstraint(
                fields=["user", "model_version", "baseline", "picked_by"],
                condition=Q(completed_at=None, covers_all=False),
                name="replay_one_open_per_user",
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)

    def get_absolute_url(self) -> str:
        return reverse("evaluation:replay", args=[self.id])

    @property
    def is_final(self) -> bool:
        return self.status in self.FINAL_STATUSES


class ReplayResult(models.Model):
    """One input of a replay: its true output, and the outputs of both versions.

    The labels of multi-label models are sorted JSON lists, so that equal lists are equal texts.
    """

    replay = models.ForeignKey(Replay, models.CASCADE, db_index=False, related_name="results")
    number = models.PositiveIntegerField(help_text=_("The position in the replay, from 1."))
    prediction = models.ForeignKey(Prediction, models.CASCADE, related_name="+", help_text=_("The reviewed prediction."))
    is_random = models.BooleanField(help_text=_("Whether the prediction was selected for review at random."))
    true_label = models.TextField(blank=True)
    true_value = models.FloatField(null=True)
    label = models.TextField(blank=True)
    value = models.FloatField(null=True)
    baseline_label = models.TextField(blank=True)
    baseline_value = models.FloatField(null=True)
    is_correct = models.BooleanField(null=True)
    baseline_is_correct = models.BooleanField(null=True)
    is_done = models.BooleanField(default=False)
    error_code = models.CharField(max_length=50, blank=True, help_text=_("Why a version has no output for this input."))
    error_message = models.TextField(blank=True)

    objects: ClassVar = models.Manager()

    class Meta:
        indexes = [
            # Serves: the lists of fixed and broken cases.
            models.Index(
                "replay", "baseline_is_correct", "is_correct", "number", name="replayresult_cases", condition=Q(is_done=True)
            ),
        ]
        constraints = [
            # Also serves: the next inputs of a replay; all results of one.
            models.UniqueConstraint(fields=["replay", "number"], name="replayresult_number_once"),
        ]

    def __str__(self) -> str:
        return f"{self.replay_id} {self.number}"
