"""Named ranges of time, such as last month, in the reader's time zone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class DateRange(NamedTuple):
    """A range of days.

    Args:
        name: as in the address of the history.
        get_days: returns the first day, and the day after the last or None, from the current day.
    """

    name: str
    title: str | Promise
    get_days: Callable[[date], tuple[date, date | None]]


def _get_last_month(today: date) -> tuple[date, date]:
    end = today.replace(day=1)
    return (end - timedelta(days=1)).replace(day=1), end


DATE_RANGES = {
    date_range.name: date_range
    for date_range in (
        DateRange("today", _("Today"), lambda today: (today, None)),
        DateRange("yesterday", _("Yesterday"), lambda today: (today - timedelta(days=1), today)),
        DateRange("7-days", _("7 days"), lambda today: (today - timedelta(days=6), None)),
        DateRange("last-month", _("Last month"), _get_last_month),
    )
}


def resolve_range(name: str) -> tuple[datetime, datetime | None]:
    """Return the start, and the end or None, of a range in the current time zone. `name` is a key of `DATE_RANGES`."""
    zone = timezone.get_current_timezone()
    first, end = DATE_RANGES[name].get_days(timezone.localdate())
    return datetime.combine(first, time.min, zone), datetime.combine(end, time.min, zone) if end else None
