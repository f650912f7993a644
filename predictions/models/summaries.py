"""Tables that are derived from predictions and reviews, so that metrics need not read every row.

`predictions.services.summaries` keeps them up to date. They can be deleted and computed again.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.fields import UUID7Field
from core.querysets import VisibleQuerySet
from predictions.models.prediction import Prediction
from predictions.models.review import Review
from registry.models import ModelVersion

PICKED_BY_BITS = {name: 1 << number for number, name in enumerate(Review.PickedBy.values)}
"""The bit of each review strategy in `ReviewSummary.picked_by`."""


class ReviewSummary(models.Model):
    """What metrics need to know about a succeeded prediction with an active review: one row in place of all its reviews."""

    # A frozen summary stays when its prediction is removed, so this is no constraint of the database.
    prediction = models.OneToOneField(Prediction, models.DO_NOTHING, primary_key=True, db_constraint=False, related_name="+")
    # The composite indexes below serve these two keys' own queries too.
    model_version = models.ForeignKey(ModelVersion, models.CASCADE, db_index=False, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, db_index=False, related_name="+")
    created_at = models.DateTimeField(help_text=_("When the prediction was created."))
    label = models.TextField(help_text=_("The predicted label; of a multi-label model, the list of labels as JSON."))
    confidence = models.FloatField(null=True)
    value = models.FloatField(null=True)
    verdict = models.CharField(
        max_length=10, choices=Review.Verdict.choices, help_text=_("Of the effective review; empty if all are `unsure`.")
    )
    true_label = models.TextField(help_text=_("Of the effective review; for a multi-label model, the list as JSON."))
    true_value = models.FloatField(null=True, help_text=_("Of the newest decided review that has one."))
    picked_by = models.PositiveSmallIntegerField(help_text=_("PICKED_BY_BITS of all reviews, including withdrawn ones."))
    ratings = models.TextField(
        help_text=_("If several reviewers have decided, a JSON list of [reviewer ID, true label, labels, or verdict].")
    )
    is_frozen = models.BooleanField(
        default=False,
        db_default=False,
        help_text=_("The output of the prediction was removed, so the summary cannot be computed again."),
    )

    sha256 = models.CharField(
        max_length=64,
        default="",
        db_default="",
        help_text=_("Of the input; empty if it is not checked, or if it was removed."),
    )
    is_repeated = models.BooleanField(
        null=True, help_text=_("Whether the input has other predictions, or was submitted several times. Null: not checked.")
    )

    objects: ClassVar = VisibleQuerySet.as_manager()

    class Meta:
        indexes = [
            # Serves: the metrics of a version since a date; deleting a version.
            models.Index("model_version", "created_at", name="reviewsummary_version"),
            # Serves: the metrics of a user's own predictions; deleting a user.
            models.Index("user", "model_version", name="reviewsummary_user"),
            # Serves: the number of reviewed predictions on the operations page, from the index alone.
            models.Index(fields=["created_at"], include=["model_version"], name="reviewsummary_created_at"),
            # Serves: the comparison of two versions; the summaries that have not been checked.
            models.Index(
                fields=["model_version"],
                condition=Q(is_repeated=True) | Q(is_repeated=None),
                name="reviewsummary_repeated",
            ),
            # Serves: the summaries of an input that is submitted again.
            models.Index(fields=["sha256"], condition=Q(is_repeated=False), name="reviewsummary_sha256"),
        ]

    def __str__(self) -> str:
        return str(self.prediction_id)


class PredictionCount(models.Model):
    """Number of succeeded predictions of a version that a user created on one day (UTC)."""

    id = UUID7Field()
    day = models.DateTimeField(help_text=_("Midnight UTC."))
    model_version = models.ForeignKey(ModelVersion, models.CASCADE, db_index=False, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, db_index=False, related_name="+")
    count = models.PositiveBigIntegerField()

    objects: ClassVar = VisibleQuerySet.as_manager()

    class Meta:
        indexes = [
            # Serves: the number of predictions of a version since a day; deleting a version.
            models.Index("model_version", "day", name="predictioncount_version"),
            # Serves: the number of a user's own predictions; deleting a user.
            models.Index("user", "model_version", name="predictioncount_user"),
        ]

    def __str__(self) -> str:
        return f"{self.count} on {self.day:%Y-%m-%d}"


class SummaryProgress(models.Model):
    """Up to which time a derived table is complete. Metrics add what happened later from the source tables."""

    name = models.CharField(max_length=20, primary_key=True)
    until = models.DateTimeField()

    objects: ClassVar = models.Manager()

    def __str__(self) -> str:
        return f"{self.name} until {self.until:%Y-%m-%d %H:%M:%S}"

    @classmethod
    def get_until(cls, name: str) -> datetime | None:
        """Return the time up to which a table is complete, or None if it has never been updated."""
        return cls.objects.filter(name=name).values_list("until", flat=True).first()
