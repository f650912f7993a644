"""What people say of predictions: was it right, and what would have been?"""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from predictions.fields import UUID7Field
from predictions.models.ledger import Prediction
from predictions.querysets import ReviewClaimQuerySet, ReviewQuerySet


class Review(models.Model):
    """One person's verdict on one prediction. Never edited: a new opinion withdraws the same person's earlier one."""

    class Verdict(models.TextChoices):
        CORRECT = "correct"
        INCORRECT = "incorrect"
        UNSURE = "unsure"

    class PickedBy(models.TextChoices):
        RANDOM = "random", "at random"
        UNCERTAIN = "uncertain", "the least confident first"
        MARGIN = "margin", "the smallest margin first"
        LABEL = "label", "by label"
        NEWEST = "newest", "the newest first"
        MANUAL = "manual", "by hand"
        API = "api", "API"

    id = UUID7Field()
    # The constraint below serves this key's own queries too.
    prediction = models.ForeignKey(Prediction, models.PROTECT, db_index=False, related_name="reviews")
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, db_index=False, related_name="reviews"
    )
    verdict = models.CharField(max_length=10, choices=Verdict.choices)
    true_label = models.CharField(max_length=100, blank=True)
    true_value = models.FloatField(null=True, blank=True)
    comment = models.TextField(blank=True, max_length=2000)
    picked_by = models.CharField(
        max_length=10,
        choices=PickedBy.choices,
        help_text="How the prediction came to be judged; not all ways are fair samples.",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar = ReviewQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        indexes = [
            # Serves: the reviews of a prediction, withdrawn ones too; is it reviewed, how was it judged.
            models.Index(F("prediction"), F("id").desc(), name="review_prediction_newest"),
            # Serves: what one person has judged, newest first, to undo it; forgetting a user.
            models.Index(F("reviewer"), F("id").desc(), name="review_reviewer_newest"),
        ]
        constraints = [
            # One person has one opinion at a time.
            models.UniqueConstraint(
                fields=["prediction", "reviewer"], condition=Q(withdrawn_at=None), name="review_one_opinion_each"
            ),
            models.CheckConstraint(condition=Q(verdict__in=["correct", "incorrect", "unsure"]), name="review_known_verdict"),
            models.CheckConstraint(
                condition=Q(picked_by__in=["random", "uncertain", "margin", "label", "newest", "manual", "api"]),
                name="review_known_picked_by",
            ),
            models.CheckConstraint(condition=Q(true_label="") | Q(true_value=None), name="review_one_truth"),
            models.CheckConstraint(
                condition=~Q(verdict="unsure") | Q(true_label="", true_value=None), name="review_unsure_knows_no_truth"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.verdict} ({self.prediction_id})"

    @property
    def truth(self) -> str:
        """Return the true label or value as text; empty when nobody said."""
        return self.true_label if self.true_value is None else f"{self.true_value:,.6g}"


class ReviewClaim(models.Model):
    """That somebody has a prediction before them in the review queue, or skipped it. For a while, not for the record."""

    id = UUID7Field()
    # The constraint below serves this key's own queries too.
    prediction = models.ForeignKey(Prediction, models.CASCADE, db_index=False, related_name="claims")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="claims")
    picked_by = models.CharField(max_length=10, choices=Review.PickedBy.choices)
    skipped = models.BooleanField(default=False, help_text="Not to be shown to this person again for a while.")
    until = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar = ReviewClaimQuerySet.as_manager()

    class Meta:
        indexes = [
            # Serves: deleting what is over.
            models.Index("until", name="claim_until"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["prediction"], condition=Q(skipped=False), name="claim_one_reviewer_at_a_time"),
            models.UniqueConstraint(fields=["prediction", "reviewer"], name="claim_once_each"),
        ]

    def __str__(self) -> str:
        return f"{self.reviewer_id} {'skipped' if self.skipped else 'has'} {self.prediction_id}"
