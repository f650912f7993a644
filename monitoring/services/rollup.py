"""Roll up the hours that are over: count them once, so that no page has to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models.functions import TruncHour
from django.utils import timezone

from monitoring.aggregation import Cells, count_ledger
from monitoring.models import RolledPeriod, Rollup
from monitoring.rollup_reader import COLUMNS
from monitoring.tally import Tally, from_columns
from monitoring.windows import DAY, HOUR, LAG, floor
from predictions.models import Prediction

AT_ONCE = 24  # hours of one transaction

OPEN = (Prediction.Status.QUEUED, Prediction.Status.RUNNING)


def roll_up(*, since: datetime | None = None, most: int | None = None, now: datetime | None = None) -> int:
    """Count the hours that are over and not counted yet, the newest first, then the days whose hours all are.

    An hour waits while something in it is queued or running. Two who do this at once count no hour twice: an hour's own
    row is unique and stored with its counts, and who comes second stores none.

    Args:
        since: leave out hours before.
        most: hours to count.
        now: when that is, if not now.

    Returns:
        How many were counted.
    """
    missing = _missing(since, (now or timezone.now()) - LAG)[:most]
    done = 0
    for start in range(0, len(missing), AT_ONCE):
        done += _roll_hours(sorted(missing[start : start + AT_ONCE]))
    if done:
        _roll_days(min(missing), max(missing))
    return done


def roll_up_pending() -> None:
    """Count every completed hour that is not counted yet, in several short transactions. The server's background job."""
    while roll_up(most=AT_ONCE):
        pass


def forget_rollups(*, since: datetime) -> int:
    """Throw away what was counted from an hour or its day on, after somebody changed the ledger by hand; return how many.

    It is counted again when next needed.
    """
    periods = RolledPeriod.objects.filter(start__gte=floor(since, DAY)).exclude(start__lt=floor(since, HOUR), hours=1)
    return periods.delete()[1].get("monitoring.RolledPeriod", 0)


def _missing(since: datetime | None, until: datetime) -> list[datetime]:
    """Return the hours to count, the newest first."""
    first = Prediction.objects.order_by("created_at").values_list("created_at", flat=True).first()
    if first is None:
        return []
    start, end = floor(max(first, since or first), HOUR), floor(until, HOUR)
    hours = RolledPeriod.objects.filter(start__gte=start, hours=1).values_list("start", flat=True)
    skipped = {*hours, *_open_hours(end)}
    count = max(0, (end - start) // HOUR)
    wanted = (end - number * HOUR for number in range(1, count + 1))
    return [hour for hour in wanted if hour not in skipped]


def _open_hours(before: datetime) -> set[datetime]:
    rows = Prediction.objects.filter(status__in=OPEN, created_at__lt=before)
    return set(rows.annotate(hour=TruncHour("created_at", tzinfo=UTC)).values_list("hour", flat=True).order_by().distinct())


def _roll_hours(hours: list[datetime]) -> int:
    """Count some hours, and store them in one short transaction; of those that another stored meanwhile, none."""
    cells = count_ledger(list(_ranges(hours)))
    periods = {hour: RolledPeriod(start=hour, hours=1) for hour in hours}
    try:
        _store(periods, cells)
    except IntegrityError:
        taken = set(RolledPeriod.objects.filter(start__in=hours, hours=1).values_list("start", flat=True))
        if not taken:
            raise
        left = [hour for hour in hours if hour not in taken]
        return _roll_hours(left) if left else 0
    return len(hours)


@transaction.atomic
def _store(periods: dict[datetime, RolledPeriod], cells: Cells) -> None:
    RolledPeriod.objects.bulk_create(periods.values())
    Rollup.objects.bulk_create(
        Rollup(period=periods[start], model_version_id=version, **tally.columns())
        for (start, version), tally in cells.items()
    )


def _ranges(hours: list[datetime]) -> Iterator[tuple[datetime, datetime]]:
    """Yield the stretches that hours in their order make up."""
    start = end = hours[0]
    for hour in hours:
        if hour != end:
            yield start, end
            start = hour
        end = hour + HOUR
    yield start, end


def _roll_days(first: datetime, last: datetime) -> None:
    """Add up the days that got their last hour; a day is there once, like an hour."""
    start, end = floor(first, DAY), floor(last, DAY) + DAY
    found = defaultdict(list)
    for key, hour, hours in RolledPeriod.objects.filter(start__gte=start, start__lt=end).values_list("pk", "start", "hours"):
        found[floor(hour, DAY)].append((key, hours))
    for day, periods in found.items():
        if len(periods) == 24 and all(hours == 1 for _, hours in periods):
            _roll_day(day, [key for key, _ in periods])


def _roll_day(day: datetime, hours: list[UUID]) -> None:
    cells: Cells = defaultdict(Tally)
    for row in Rollup.objects.filter(period__in=hours).values("model_version", *COLUMNS):
        cells[day, row["model_version"]].add(from_columns(row))
    with suppress(IntegrityError):  # another has stored it
        _store({day: RolledPeriod(start=day, hours=24)}, cells)
