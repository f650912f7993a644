"""Reviews of predictions, and the claims of the review queue."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.fields import UUID7Field
from core.validators import MAX_LABEL_CHARACTERS
from predictions.models.prediction import Prediction
from predictions.querysets import ReviewClaimQuerySet, ReviewQuerySet

MAX_COMMENT_CHARACTERS = 2000


class Review(models.Model):
    """One user's verdict on one prediction. Append-only: a new review withdraws the same user's earlier one."""

    class Verdict(models.TextChoices):
        CORRECT = "correct", _("Correct")
        INCORRECT = "incorrect", _("Incorrect")
        UNSURE = "unsure", _("Unsure")

    class PickedBy(models.TextChoices):
        RANDOM = "random", _("Random")
        UNCERTAIN = "uncertain", _("Lowest confidence")
        MARGIN = "margin", _("Smallest margin")
        LABEL = "label", _("By label")
        NEWEST = "newest", _("Newest")
        MANUAL = "manual", _("Manual")
        API = "api", _("API")
        LIST = "list", _("Filtered list")

    id = UUID7Field()
    # The constraint below serves this key's own queries too.
    prediction = models.ForeignKey(Prediction, models.PROTECT, db_index=False, related_name="reviews")
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, db_index=False, related_name="reviews"
    )
    verdict = models.CharField(max_length=10, choices=Verdict.choices)
    true_label = models.CharField(max_length=MAX_LABEL_CHARACTERS, blank=True)
    true_value = models.FloatField(null=True, blank=True)
    true_labels = models.JSONField(
        null=True,
        blank=True,
        help_text=_(
            "For a multi-label model, the list of all true labels in the order of the version. Empty if none applies."
        ),
    )
    comment = models.TextField(blank=True, max_length=MAX_COMMENT_CHARACTERS)
    picked_by = models.CharField(
        max_length=10,
        choices=PickedBy.choices,
        help_text=_("How the prediction was selected for review. Only `random` gives a representative sample."),
    )
    is_blind = models.BooleanField(
        default=False, db_default=False, help_text=_("The reviewer did not see the prediction before the decision.")
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar = ReviewQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        indexes = [
            # Serves: the reviews of a prediction, also withdrawn ones; filter by reviewed or not.
            models.Index(F("prediction"), F("id").desc(), name="review_prediction_newest"),
            # Serves: a reviewer's reviews, newest first, for undo; deleting a user.
            models.Index(F("reviewer"), F("id").desc(), name="review_reviewer_newest"),
            # Serves: the reviews that were withdrawn since the last update of the review summaries.
            models.Index("withdrawn_at", condition=Q(withdrawn_at__isnull=False), name="review_withdrawn_at"),
            # Serves: filter by verdict.
            models.Index("verdict", "prediction", name="review_active_verdict", condition=Q(withdrawn_at=None)),
            # Serves: filter by true label.
            models.Index(
                "true_label", "prediction", name="review_true_label", condition=Q(withdrawn_at=None) & ~Q(true_label="")
            ),
            # Serves: filter by review strategy.
            models.Index("picked_by", "prediction", name="review_picked_by"),
        ]
        constraints = [
            # Each person has at most one active review of a prediction.
            models.UniqueConstraint(
                fields=["prediction", "reviewer"], condition=Q(withdrawn_at=None), name="review_one_active_per_reviewer"
            ),
            models.CheckConstraint(condition=Q(verdict__in=["correct", "incorrect", "unsure"]), name="review_known_verdict"),
            models.CheckConstraint(
                condition=Q(picked_by__in=["random", "uncertain", "margin", "label", "newest", "manual", "api", "list"]),
                name="review_known_picked_by",
            ),
            models.CheckConstraint(condition=Q(true_label="") | Q(true_value=None), name="review_label_or_value"),
            models.CheckConstraint(
                condition=~Q(verdict="unsure") | Q(true_label="", true_value=None), name="review_unsure_without_true_output"
            ),
            models.CheckConstraint(
                condition=Q(true_labels__isnull=True) | (Q(true_label="", true_value=None) & ~Q(verdict="unsure")),
                name="review_true_labels_alone",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_verdict_display()} ({self.prediction_id})"


class ReviewClaim(models.Model):
    """A reviewer's claim on a prediction in the review queue, or a record that they skipped it. Expires."""

    id = UUID7Field()
    # The constraint below serves this key's own queries too.
    prediction = models.ForeignKey(Prediction, models.CASCADE, db_index=False, related_name="claims")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="claims")
    picked_by = models.CharField(max_length=10, choices=Review.PickedBy.choices)
    skipped = models.BooleanField(
        default=False,
        help_text=_("The reviewer skipped the prediction; it is not shown to them again until the claim expires."),
    )
    until = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar = ReviewClaimQuerySet.as_manager()

    class Meta:
        indexes = [
            # Serves: deleting expired claims.
            models.Index("until", name="claim_until"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["prediction"], condition=Q(skipped=False), name="claim_one_reviewer"),
            models.UniqueConstraint(fields=["prediction", "reviewer"], name="claim_once_per_reviewer"),
        ]

    def __str__(self) -> str:
        return f"{self.prediction_id} {'skipped' if self.skipped else 'claimed'} by {self.reviewer_id}"
