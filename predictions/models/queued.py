"""Predictions that wait for a background worker."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from predictions.models.prediction import Prediction


class QueuedPrediction(models.Model):
    """The work that is left for a prediction with the status `queued` or `running`.

    It is deleted in the transaction that gives the prediction a final status. The number of rows is therefore the depth of
    the queue, and the table stays small.
    """

    prediction = models.OneToOneField(Prediction, models.CASCADE, primary_key=True, related_name="queued")
    reference = models.CharField(max_length=200, blank=True, help_text=_("The model reference of the request."))
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(
        null=True, blank=True, help_text=_("The prediction fails if it has not started by then.")
    )
    attempts = models.PositiveSmallIntegerField(default=0, help_text=_("How often a worker has started it."))
    leased_until = models.DateTimeField(
        null=True, blank=True, help_text=_("A worker is running it. After this time, the worker is considered lost.")
    )
    enqueue_at = models.DateTimeField(
        default=timezone.now,
        help_text=_("If it has not started by then, the sweep enqueues it again: its task may be lost."),
    )

    objects: ClassVar = models.Manager()

    class Meta:
        indexes = [
            # Serves: the sweep, which looks for predictions of lost workers. Rows that wait are not in it: for these, SQLite
            # would prefer it to the next two.
            models.Index("leased_until", name="queued_leased_until", condition=models.Q(leased_until__isnull=False)),
            # Serves: the sweep, which enqueues predictions again.
            models.Index("enqueue_at", name="queued_enqueue_at", condition=models.Q(leased_until__isnull=True)),
            # Serves: the sweep, which fails predictions that have expired.
            models.Index("expires_at", name="queued_expires_at", condition=models.Q(expires_at__isnull=False)),
            # Serves: the age of the oldest queued prediction.
            models.Index("created_at", name="queued_created_at"),
        ]

    def __str__(self) -> str:
        return str(self.prediction_id)
