"""Parts of filters that several apps use: times that a database can store, and the names of unknown query parameters."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import django_filters as filters
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_filters.fields import IsoDateTimeField

TIME_MARGIN = timedelta(days=2)  # so that a time in any zone, or a moment earlier, is not before year 1 or after year 9999
FIRST_TIME, LAST_TIME = (time.replace(tzinfo=UTC) for time in (datetime.min + TIME_MARGIN, datetime.max - TIME_MARGIN))


class StrictFilterSet(filters.FilterSet):
    """Filters that can list the query parameters that are not filters."""

    def find_unknown_names(self, allowed: set[str]) -> list[str]:
        """Return the query parameters that are neither filters nor in `allowed`."""
        return sorted(set(self.data) - set(self.filters) - allowed)


class UTCDateTimeField(IsoDateTimeField):
    """A date or time in ISO 8601 that a database can store. Without a zone, it is in the current time zone.

    Times within two days of the first or last one of `datetime` are invalid: another time zone could not show them.
    """

    default_error_messages = {
        "invalid": _("Expected a date or time such as 2026-01-31 or 2026-01-31T12:00:00Z. In a URL, write + as %2B.")
    }

    def clean(self, value: Any) -> datetime | None:
        moment = super().clean(value)
        if moment is None:
            return None
        try:
            time = moment.astimezone(UTC)
        except (OverflowError, ValueError):
            time = None
        if time is None or not FIRST_TIME <= time <= LAST_TIME:
            message = gettext("Expected a time such as 2026-01-31T12:00:00Z. Received: %(value)s") % {"value": value}
            raise ValidationError(message, code="invalid")
        return time


class UTCDateTimeFilter(filters.IsoDateTimeFilter):
    field_class = UTCDateTimeField
