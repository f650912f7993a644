"""Time windows of the operations page, and the windows they are compared with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
# An hour is rolled up this long after it ends: a prediction has the time of its request, but is stored when it is complete.
ROLLUP_DELAY = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class WindowChoice:
    """A window that users can select: `count` buckets of one `step` each."""

    label: str | Promise
    step: timedelta
    count: int


WINDOW_CHOICES = {
    "24h": WindowChoice(_("Last 24 hours"), HOUR, 24),
    "7d": WindowChoice(_("Last 7 days"), DAY, 7),
    "30d": WindowChoice(_("Last 30 days"), DAY, 30),
    "90d": WindowChoice(_("Last 90 days"), DAY, 90),
}
DEFAULT_WINDOW = "7d"
CUSTOM_WINDOW = "custom"  # from a first to a last day
MAX_CUSTOM_DAYS = 366
MAX_HOURLY_DAYS = 2  # custom windows up to this length have buckets of one hour


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open interval from `start` up to `end`, in buckets of one hour or one UTC day.

    The last bucket is the current hour or day and ends at `end`, before it is over.
    """

    start: datetime
    end: datetime
    step: timedelta
    count: int

    @property
    def buckets(self) -> list[datetime]:
        """Return the start of each bucket."""
        return [self.start + number * self.step for number in range(self.count)]

    @property
    def previous(self) -> Window:
        """Return the preceding window of the same length. It ends at the same time of day."""
        shift = self.step * self.count
        return Window(self.start - shift, self.end - shift, self.step, self.count)

    @property
    def duration_text(self) -> str:
        if self.step == HOUR:
            return ngettext("%(count)d hour", "%(count)d hours", self.count) % {"count": self.count}
        return ngettext("%(count)d day", "%(count)d days", self.count) % {"count": self.count}

    @property
    def previous_text(self) -> str:
        """Return `in the previous 7 days`, to be used in sentences."""
        if self.step == HOUR:
            return ngettext("in the previous hour", "in the previous %(count)d hours", self.count) % {"count": self.count}
        return ngettext("in the previous day", "in the previous %(count)d days", self.count) % {"count": self.count}

    def contains(self, moment: datetime) -> bool:
        return self.start <= moment < self.end


def get_window(name: str, *, now: datetime) -> Window:
    """Return the window of `WINDOW_CHOICES` that ends now. Its last bucket is the current hour or day."""
    choice = WINDOW_CHOICES[name]
    start = round_down(now, choice.step) - (choice.count - 1) * choice.step
    return Window(start, now, choice.step, choice.count)


def get_custom_window(first: date, last: date, *, now: datetime) -> Window:
    """Return the window from the start of a UTC day to the end of another one, or until now if that is earlier."""
    start = datetime.combine(first, time(), UTC)
    end = min(datetime.combine(last, time(), UTC) + DAY, now)
    step = HOUR if (last - first).days < MAX_HOURLY_DAYS else DAY
    return Window(start, end, step, max(1, -((start - end) // step)))


def round_down(moment: datetime, step: timedelta) -> datetime:
    """Return the start of the hour or of the UTC day of a moment."""
    hour = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return hour.replace(hour=0) if step == DAY else hour
