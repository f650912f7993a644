"""Deliveries of events to targets, and the status of each target."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Self

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from events.error_messages import MAX_CODE_CHARACTERS, MAX_ERROR_CHARACTERS
from events.models.event import MAX_SUBJECT_CHARACTERS, Event

MAX_TARGET_CHARACTERS = 100


class DeliveryQuerySet(models.QuerySet):
    """Deliveries."""

    def pending(self) -> Self:
        """Return the deliveries that a relay still has to send."""
        return self.filter(state=Delivery.State.PENDING)

    def iterate_targets(self) -> Iterator[str]:
        """Yield the targets of pending deliveries in alphabetical order, with one query for each and one at the end.

        The index has the targets in this order. A query for distinct values would read all of its entries.
        """
        rows = self.pending().order_by("target").values_list("target", flat=True)
        target = rows.first()
        while target is not None:
            yield target
            target = rows.filter(target__gt=target).first()


class TranslatedError(models.Model):
    """The code and the values of an error, from which pages build a translated text. See events/error_messages.py."""

    error_code = models.CharField(
        max_length=MAX_CODE_CHARACTERS,
        blank=True,
        default="",
        db_default="",
        editable=False,
        help_text=_("Of an error that pages translate."),
    )
    error_values = models.JSONField(null=True, blank=True, editable=False, help_text=_("The values in the error."))

    class Meta:
        abstract = True


class Delivery(TranslatedError):
    """One event for one target."""

    class State(models.TextChoices):
        PENDING = "pending", _("Pending")
        DELIVERED = "delivered", _("Delivered")
        FAILED = "failed", _("Failed")

    id = models.BigAutoField(primary_key=True)
    event = models.ForeignKey(Event, models.CASCADE, db_index=False, related_name="deliveries")
    target = models.CharField(max_length=MAX_TARGET_CHARACTERS, help_text=_("For example jsonl, kafka, or webhook:<id>."))
    key = models.CharField(max_length=MAX_SUBJECT_CHARACTERS, help_text=_("The key of the event."))
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(
        default=timezone.now, help_text=_("If a relay is sending it, the time after which that relay is considered lost.")
    )
    lease = models.UUIDField(null=True, blank=True, editable=False, help_text=_("Identifies the batch of a relay."))
    error = models.CharField(max_length=MAX_ERROR_CHARACTERS, blank=True, help_text=_("Of the last attempt."))
    details = models.JSONField(
        null=True, blank=True, help_text=_("What the target returned for the last attempt, for example an HTTP status.")
    )
    ended_at = models.DateTimeField(null=True, blank=True, help_text=_("When it was delivered, or failed for good."))

    objects: ClassVar = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = _("deliveries")
        ordering = ("-id",)
        indexes = [
            # Serves: the relay, which sends the pending deliveries of a target, oldest event first.
            models.Index("target", "event", name="delivery_pending", condition=Q(state="pending")),
            # Serves: the failed deliveries of all targets, newest first. Not by event: PostgreSQL would also use it for one
            # target, and read the failed deliveries of all others.
            models.Index("id", name="delivery_failed_newest", condition=Q(state="failed")),
            # Serves: the failed deliveries of a target, newest first; whether it has any, and their number.
            models.Index("target", F("event").desc(), name="delivery_target_failed", condition=Q(state="failed")),
            # Serves: the deliveries of a target, newest first.
            models.Index(F("target"), F("event").desc(), name="delivery_target_newest"),
        ]
        constraints = [
            # Also serves: the deliveries of an event.
            models.UniqueConstraint(fields=["event", "target"], name="delivery_once"),
            models.CheckConstraint(
                condition=Q(state="pending", ended_at__isnull=True)
                | Q(state__in=["delivered", "failed"], ended_at__isnull=False),
                name="delivery_known_state",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.target}: {self.get_state_display()}"


class TargetStatus(TranslatedError):
    """What relays share about a target: when to try again after an outage, and how much was delivered."""

    target = models.CharField(primary_key=True, max_length=MAX_TARGET_CHARACTERS)
    failures = models.PositiveIntegerField(default=0, help_text=_("Outages since the last delivery."))
    next_attempt_at = models.DateTimeField(null=True, blank=True, help_text=_("The target is unavailable until then."))
    error = models.CharField(max_length=MAX_ERROR_CHARACTERS, blank=True, help_text=_("Of the current outage."))
    delivered_count = models.PositiveBigIntegerField(default=0)
    failed_count = models.PositiveBigIntegerField(default=0)
    last_delivered_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar = models.Manager()

    class Meta:
        verbose_name_plural = _("target statuses")

    def __str__(self) -> str:
        return self.target
