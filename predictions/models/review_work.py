"""The work of reviewers: lists that are assigned to them, their daily goal, and the predictions that they have seen."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.fields import UUID7Field
from predictions.models.prediction import Prediction

MAX_QUERY_CHARACTERS = 2000
MAX_NOTE_CHARACTERS = 500
MAX_GOAL_REVIEWS = 10_000
DEFAULT_GOAL_REVIEWS = 50


class ReviewAssignment(models.Model):
    """A list of predictions assigned to a reviewer: the filters of the history as a query string."""

    id = UUID7Field()
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        db_index=False,
        related_name="review_assignments",
        verbose_name=_("reviewer"),
    )
    assigned_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("assigned by")
    )
    query = models.CharField(
        _("query"), max_length=MAX_QUERY_CHARACTERS, help_text=_("The query string of the review queue.")
    )
    note = models.CharField(_("note"), max_length=MAX_NOTE_CHARACTERS, blank=True)
    total = models.PositiveIntegerField(
        _("total"),
        null=True,
        blank=True,
        help_text=_("Predictions without a review when the list was assigned. Empty if there were more than 10,000."),
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)

    class Meta:
        verbose_name = _("review assignment")
        verbose_name_plural = _("review assignments")
        ordering = ("id",)
        indexes = [
            # Serves: the open assignments of a reviewer; deleting a user.
            models.Index("reviewer", "closed_at", name="assignment_reviewer_open"),
            # Serves: all open assignments, on the page with the statistics.
            models.Index("id", name="assignment_open", condition=models.Q(closed_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.query} ({self.reviewer_id})"


class ReviewGoal(models.Model):
    """How many predictions a reviewer wants to review on one day."""

    reviewer = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="review_goal", verbose_name=_("reviewer")
    )
    reviews_per_day = models.PositiveIntegerField(
        _("reviews per day"), validators=[MinValueValidator(1), MaxValueValidator(MAX_GOAL_REVIEWS)]
    )

    class Meta:
        verbose_name = _("review goal")
        verbose_name_plural = _("review goals")

    def __str__(self) -> str:
        return f"{self.reviewer_id}: {self.reviews_per_day}"


class ShownPrediction(models.Model):
    """A prediction that the review queue has shown to a reviewer, who has not reviewed it yet.

    Claims expire, so they cannot record it. A review of such a prediction is not blind.
    """

    id = UUID7Field()
    # The constraint below serves this key's own queries too.
    prediction = models.ForeignKey(Prediction, models.CASCADE, db_index=False, related_name="+")
    # The index of this key serves: deleting a user.
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["prediction", "reviewer"], name="shown_prediction_once_per_reviewer")]

    def __str__(self) -> str:
        return f"{self.prediction_id} shown to {self.reviewer_id}"
