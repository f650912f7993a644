"""Saved filters of the history."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.fields import UUID7Field

MAX_FILTER_NAME_CHARACTERS = 60
MAX_QUERY_CHARACTERS = 4000


class SavedFilter(models.Model):
    """Filters, columns, and order of the history under a name. Only its user sees it."""

    id = UUID7Field()
    # The constraint below serves this key's own queries too.
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, db_index=False, related_name="saved_filters")
    name = models.CharField(_("name"), max_length=MAX_FILTER_NAME_CHARACTERS)
    query = models.CharField(max_length=MAX_QUERY_CHARACTERS, blank=True, help_text=_("The query string of the history."))
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar = models.Manager()

    class Meta:
        ordering = ("name",)
        constraints = [
            # Also serves: a user's saved filters by name; deleting a user.
            models.UniqueConstraint(
                fields=["user", "name"],
                name="savedfilter_unique_name",
                violation_error_message=_("You already have a filter with this name."),
            ),
        ]

    def __str__(self) -> str:
        return self.name
