"""The stretches of time that are looked at, and those they are compared with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LAG = timedelta(minutes=15)  # a row bears the time it was asked at, and is stored when its answer is there
CHOICES = {
    "24h": ("last 24 hours", HOUR, 24),
    "7d": ("last 7 days", DAY, 7),
    "30d": ("last 30 days", DAY, 30),
    "90d": ("last 90 days", DAY, 90),
}
DEFAULT = "7d"


@dataclass(frozen=True, slots=True)
class Window:
    """From `start` until just before `end`, in buckets of an hour or a day that begin on the full one, UTC.

    The last bucket is the present one and not over yet.
    """

    start: datetime
    end: datetime
    step: timedelta
    count: int

    @property
    def buckets(self) -> list[datetime]:
        return [self.start + number * self.step for number in range(self.count)]

    @property
    def before(self) -> Window:
        """Return the window of the same length just before, which ends at the same time of the day as this one."""
        shift = self.step * self.count
        return Window(self.start - shift, self.end - shift, self.step, self.count)

    @property
    def words(self) -> str:
        return f"{self.count} {'hours' if self.step == HOUR else 'days'}"

    def holds(self, moment: datetime) -> bool:
        return self.start <= moment < self.end


def get_window(name: str, *, now: datetime) -> Window:
    """Return one of `CHOICES` that ends now: so many hours or days, the present one among them."""
    _, step, count = CHOICES[name]
    return Window(floor(now, step) - (count - 1) * step, now, step, count)


def floor(moment: datetime, step: timedelta) -> datetime:
    """Return the full hour or the midnight (UTC) at or before a moment."""
    found = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return found.replace(hour=0) if step == DAY else found
