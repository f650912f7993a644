"""Events: the outbox of changes that other systems receive."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

MAX_TYPE_CHARACTERS = 50
MAX_SUBJECT_CHARACTERS = 200
COMMON_EVENT_TYPE = "prediction.succeeded"  # of nearly all events


class EventQuerySet(models.QuerySet):
    """Events. Their times have no index, which would slow down each event, but have nearly the order of the IDs."""

    def find_first_id(self, moment: datetime, *, margin: timedelta) -> int:
        """Return the ID of the first event that is not older than a moment, with a binary search: 20 queries for a million.

        Args:
            margin: added to the time of each event. If no time deviates by more from the order of the IDs, all events before
                the returned ID are older than the moment; with a negative margin, no event from this ID on is older.
        """
        ends = self.aggregate(first=models.Min("pk"), last=models.Max("pk"))
        low, high = ends["first"] or 0, (ends["last"] or 0) + 1
        rows = self.order_by("pk").values_list("pk", "created_at")
        while low < high:
            middle = (low + high) // 2
            row = rows.filter(pk__gte=middle).first()
            if row and row[1] + margin < moment:
                low = row[0] + 1
            else:
                high = middle
        return low


class Event(models.Model):
    """A change, written in the transaction that made it.

    The data of the event is built when it is sent, so that an event costs one small row and an erased row leaves no copy.
    The IDs of two events with the same key have the order of their changes: the second change sees the first one.
    """

    id = models.BigAutoField(primary_key=True)
    uuid = models.UUIDField(
        unique=True,  # serves: the search for an event; no prediction has two events
        default=uuid7,
        editable=False,
        help_text=_("The CloudEvents ID. If the event announces a row, it is the ID of that row."),
    )
    type = models.CharField(max_length=MAX_TYPE_CHARACTERS, help_text=_("For example prediction.succeeded."))
    subject = models.CharField(max_length=MAX_SUBJECT_CHARACTERS, help_text=_("The ID or the name of what changed."))
    key = models.CharField(max_length=MAX_SUBJECT_CHARACTERS, help_text=_("Events with the same key are sent in order."))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, db_index=False, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    data = models.JSONField(null=True, blank=True, help_text=_("Only for types whose data cannot be read from a row."))
    is_fanned_out = models.BooleanField(
        default=False, db_default=False, help_text=_("Its deliveries exist, one per target that receives it.")
    )

    objects: ClassVar = EventQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        indexes = [
            # Serves: deleting a user.
            models.Index("user", name="event_user", condition=Q(user__isnull=False)),
            # Serves: the deliveries of a webhook with a type that few events have, newest first.
            models.Index("type", F("id").desc(), name="event_rare_type", condition=~Q(type=COMMON_EVENT_TYPE)),
            # Serves: the relay, which looks for events without deliveries.
            models.Index("id", name="event_new", condition=Q(is_fanned_out=False)),
        ]

    def __str__(self) -> str:
        return f"{self.type} ({self.subject})"
