"""Create and delete rollups: the counts of completed hours and days."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from monitoring.aggregation import TimeRange, UtcHour, count_predictions
from monitoring.models import CountedUser, RolledPeriod, Rollup
from monitoring.tally import ROLLUP_COLUMNS, Tallies, Tally
from monitoring.windows import DAY, HOUR, ROLLUP_DELAY, round_down
from predictions.models import Prediction, SummaryProgress
from predictions.services.summaries import delete_summaries
from predictions.usage import REMOVED

HOURS_PER_TRANSACTION = 24


def roll_up(*, since: datetime | None = None, max_hours: int | None = None, now: datetime | None = None) -> int:
    """Roll up completed hours, the newest first, and then the days whose hours are all rolled up.

    An hour with queued or running predictions is skipped. Several processes can run this at the same time: an hour and
    its counts are stored in one transaction, and a unique constraint rejects duplicates.

    Args:
        since: skip the hours before this one.
        max_hours: roll up at most this many hours.
        now: for tests; defaults to the current time.

    Returns:
        The number of hours that were rolled up.
    """
    missing = _list_missing_hours(since, (now or timezone.now()) - ROLLUP_DELAY)[:max_hours]
    count = 0
    for start in range(0, len(missing), HOURS_PER_TRANSACTION):
        count += _roll_up_hours(sorted(missing[start : start + HOURS_PER_TRANSACTION]))
    if count:
        _roll_up_days(min(missing), max(missing))
    return count


def roll_up_pending() -> None:
    """Roll up all completed hours in several short transactions, as a background job of the server."""
    while roll_up(max_hours=HOURS_PER_TRANSACTION):
        pass


def delete_rollups(*, since: datetime) -> int:
    """Delete the rollups of an hour, of its day, and of all later periods; return how many were deleted.

    Use it after you change predictions with SQL. The next `roll_up` creates them again. The summaries of reviews and the
    counts of predictions are deleted too, see `delete_summaries`. Rollups of days from which rows were removed stay.
    """
    delete_summaries(since=since)
    since = max(since, SummaryProgress.get_until(REMOVED) or since)
    periods = RolledPeriod.objects.filter(start__gte=round_down(since, DAY))
    periods = periods.exclude(start__lt=round_down(since, HOUR), hours=1)
    return periods.delete()[1].get("monitoring.RolledPeriod", 0)


def _list_missing_hours(since: datetime | None, until: datetime) -> list[datetime]:
    """Return the completed hours that can be rolled up, the newest first."""
    oldest = Prediction.objects.order_by("created_at").values_list("created_at", flat=True).first()
    if oldest is None:
        return []
    start, end = round_down(max(oldest, since or oldest), HOUR), round_down(until, HOUR)
    rolled_hours = RolledPeriod.objects.filter(start__gte=start, hours=1).values_list("start", flat=True)
    skipped = {*rolled_hours, *_list_open_hours(end)}
    count = max(0, (end - start) // HOUR)
    hours = (end - number * HOUR for number in range(1, count + 1))
    return [hour for hour in hours if hour not in skipped]


def _list_open_hours(until: datetime) -> set[datetime]:
    """Return the hours that have queued or running predictions."""
    rows = Prediction.objects.filter(status__in=Prediction.OPEN_STATUSES, created_at__lt=until).order_by()
    return set(rows.annotate(hour=UtcHour("created_at", tzinfo=UTC)).values_list("hour", flat=True).distinct())


def _roll_up_hours(hours: list[datetime]) -> int:
    """Roll up hours in one short transaction, except those that another process has stored in the meantime."""
    tallies = count_predictions(list(_merge_hours(hours)))
    periods = {hour: RolledPeriod(start=hour, hours=1) for hour in hours}
    try:
        _store_rollups(periods, tallies)
    except IntegrityError:
        stored = set(RolledPeriod.objects.filter(start__in=hours, hours=1).values_list("start", flat=True))
        if not stored:
            raise
        remaining = [hour for hour in hours if hour not in stored]
        return _roll_up_hours(remaining) if remaining else 0
    return len(hours)


@transaction.atomic
def _store_rollups(periods: dict[datetime, RolledPeriod], tallies: Tallies) -> None:
    RolledPeriod.objects.bulk_create(periods.values())
    numbers = _number_users({UUID(pk) for tally in tallies.values() for pk in tally.counts["user"] if pk})
    Rollup.objects.bulk_create(
        Rollup(period=periods[start], model_version_id=version, **tally.to_columns(numbers))
        for (start, version), tally in tallies.items()
    )


def _number_users(ids: set[UUID]) -> dict[str, int]:
    """Return the numbers of users by ID. Users who have none get one. Deleted users have none."""
    missing = User.objects.filter(pk__in=ids, counted=None).order_by("pk").only("pk")
    # Another process may create them too.
    CountedUser.objects.bulk_create([CountedUser(user=user) for user in missing], ignore_conflicts=True)
    return {str(pk): number for pk, number in CountedUser.objects.filter(user__in=ids).values_list("user", "number")}


def _merge_hours(hours: list[datetime]) -> Iterator[TimeRange]:
    """Yield the time ranges that sorted hours form."""
    start = end = hours[0]
    for hour in hours:
        if hour != end:
            yield start, end
            start = hour
        end = hour + HOUR
    yield start, end


def _roll_up_days(first: datetime, last: datetime) -> None:
    """Store the days between two hours that have 24 rolled up hours and no rollup of their own."""
    start, end = round_down(first, DAY), round_down(last, DAY) + DAY
    periods_by_day = defaultdict(list)
    rows = RolledPeriod.objects.filter(start__gte=start, start__lt=end).values_list("pk", "start", "hours")
    for pk, hour, hours in rows:
        periods_by_day[round_down(hour, DAY)].append((pk, hours))
    for day, periods in periods_by_day.items():
        if len(periods) == 24 and all(hours == 1 for _, hours in periods):
            _roll_up_day(day, [pk for pk, _ in periods])


def _roll_up_day(day: datetime, hour_ids: list[UUID]) -> None:
    tallies: Tallies = defaultdict(Tally)
    for row in Rollup.objects.filter(period__in=hour_ids).values("model_version", *ROLLUP_COLUMNS):
        tallies[day, row["model_version"]].add(Tally.from_columns(row))
    with suppress(IntegrityError):  # another process has stored it
        _store_rollups({day: RolledPeriod(start=day, hours=24)}, tallies)
