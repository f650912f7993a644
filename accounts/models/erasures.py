"""Erasures of users."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from accounts.models.users import User


class Erasure(models.Model):
    """The removal of all data of a user, in small steps. It stays as the record of who requested it and what was removed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(
        User,
        models.SET_NULL,
        null=True,
        editable=False,
        related_name="erasures",
        help_text=_("The account. Empty when it is deleted."),
    )
    requested_by = models.ForeignKey(
        User, models.SET_NULL, null=True, editable=False, related_name="+", help_text=_("Empty for users themselves.")
    )
    requested_at = models.DateTimeField(default=timezone.now, editable=False)
    completed_at = models.DateTimeField(null=True, editable=False)
    leased_until = models.DateTimeField(
        null=True, editable=False, help_text=_("A process runs it. After this time, the process is considered lost.")
    )
    total_rows = models.PositiveBigIntegerField(default=0, editable=False)
    counts = models.JSONField(default=dict, editable=False, help_text=_("Number of removed or anonymized rows by kind."))

    class Meta:
        indexes = (
            # Serves: the search for erasures that have not ended.
            models.Index(fields=("leased_until",), name="erasure_open", condition=models.Q(completed_at=None)),
        )

    def __str__(self) -> str:
        return str(self.id)

    @property
    def erased_rows(self) -> int:
        return sum(self.counts.values())
