"""Limit the requests and the predictions of a user, over all processes and machines.

A process takes a small share of a limit from the database at a time, so that most requests write nothing. A limit is never
exceeded. What a process has taken but not used is lost to the others: at most 1% of the limit per process.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from accounts.models import Usage, User
from core.formatting import format_count
from inference.errors import InferenceError

SHARES = 100  # into which a limit is divided
MAX_REMEMBERED = 10_000  # shares of users, per process
DAY = timedelta(days=1)
CLOCK_TOLERANCE = timedelta(seconds=5)  # between machines


class LimitReached(InferenceError):
    """The user has used up a limit. Nothing was counted.

    Attributes:
        retry_after_seconds: until the limit starts anew.
        limit: the limit.
    """

    code = "quota-exceeded"

    def __init__(self, message: str, *, limit: int, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.limit = limit
        self.retry_after_seconds = retry_after_seconds


@dataclass(slots=True)
class Share:
    """A part of a limit that this process has taken.

    Attributes:
        ends_at: when the limit starts anew.
        is_last: nothing is left in the database.
    """

    left: int
    ends_at: datetime
    limit: int
    is_last: bool


_shares: dict[tuple[UUID, str], Share] = {}
_lock = Lock()


def count_request(*, user: User, limit: int, seconds: int) -> None:
    """Count an API request. The period starts with the first request of the user.

    Args:
        limit: requests per period.
        seconds: the period.

    Raises:
        LimitReached: the limit is used up.
    """
    _count(user, Usage.Kind.REQUESTS, 1, limit, timedelta(seconds=seconds))


@dataclass(frozen=True, slots=True)
class Quota:
    """The daily quota of a user, and what is left of it. Other processes can have up to 1% more."""

    limit: int
    left: int


def get_quota(user: User) -> Quota | None:
    """Return the daily quota of predictions; None without a limit."""
    limit = settings.DAILY_QUOTA if user.daily_quota is None else user.daily_quota
    if user.daily_quota is None and not limit:
        return None
    now = timezone.now()
    start = _get_start(Usage.Kind.PREDICTIONS, now)
    usage = Usage.objects.filter(user=user, kind=Usage.Kind.PREDICTIONS, started_at__gte=start).first()
    with _lock:
        share = _shares.get((user.pk, Usage.Kind.PREDICTIONS))
        taken = share.left if share and share.limit == limit and now < share.ends_at else 0
    return Quota(limit, min(limit, max(0, limit - usage.used) + taken) if usage else limit)


def count_predictions(*, user: User | None, count: int = 1) -> None:
    """Count predictions against the daily quota of a user. A day starts at midnight UTC.

    Raises:
        LimitReached: the quota is used up, or less than `count` is left.
    """
    if user is None or not user.is_active:  # the account of the tour
        return
    limit = settings.DAILY_QUOTA if user.daily_quota is None else user.daily_quota
    if user.daily_quota is not None or limit:
        _count(user, Usage.Kind.PREDICTIONS, count, limit, DAY)


def _count(user: User, kind: str, count: int, limit: int, period: timedelta) -> None:
    now = timezone.now()
    key = (user.pk, kind)
    with _lock:
        share = _shares.get(key)
        if share and (share.limit != limit or not now < share.ends_at <= now + period + CLOCK_TOLERANCE):
            share = None  # of an earlier period, or of one that a wrong clock has set
        if share and share.left >= count:
            share.left -= count
            return
        if share and share.is_last:
            _raise_limit_reached(kind, share, count, now)
    taken = _take_share(user, kind, count=count, limit=limit, period=period, now=now)
    with _lock:
        if len(_shares) >= MAX_REMEMBERED:
            _shares.clear()
        current = _shares.get(key)
        if current and current.ends_at == taken.ends_at and current.limit == limit:
            taken.left += current.left
        is_enough = taken.left >= count
        taken.left -= count if is_enough else 0
        _shares[key] = taken
        if not is_enough:
            _raise_limit_reached(kind, taken, count, now)


def _take_share(user: User, kind: str, *, count: int, limit: int, period: timedelta, now: datetime) -> Share:
    """Take what is needed and a share of the limit from the database, or what is left."""
    with transaction.atomic():
        Usage.objects.get_or_create(user=user, kind=kind, defaults={"started_at": _get_start(kind, now)})
        usage = Usage.objects.select_for_update().get(user=user, kind=kind)
        if not usage.started_at - CLOCK_TOLERANCE <= now < usage.started_at + period:
            usage.started_at, usage.used = _get_start(kind, now), 0
        left = max(0, limit - usage.used)
        taken = min(left, count + limit // SHARES)
        usage.used += taken
        usage.save(update_fields=["started_at", "used"])
    return Share(taken, usage.started_at + period, limit, is_last=taken == left)


def _get_start(kind: str, now: datetime) -> datetime:
    if kind == Usage.Kind.PREDICTIONS:
        return now.replace(hour=0, minute=0, second=0, microsecond=0)
    return now


def _raise_limit_reached(kind: str, share: Share, count: int, now: datetime) -> None:
    seconds = max(1, math.ceil((share.ends_at - now).total_seconds()))
    if kind == Usage.Kind.PREDICTIONS:
        advice = (
            gettext("Send fewer inputs, or try again tomorrow.") if share.left else gettext("Try again after midnight UTC.")
        )
        advice = advice if share.limit else gettext("Contact the operator of this site.")
        message = gettext(
            "The daily quota of your account is %(limit)s predictions, and at most %(left)s are left until midnight UTC. "
            "Received: %(count)s. %(advice)s"
        ) % {
            "limit": format_count(share.limit),
            "left": format_count(share.left),
            "count": format_count(count),
            "advice": advice,
        }
    else:
        message = gettext("The limit of %(limit)s requests is used up. Try again in %(seconds)s seconds.") % {
            "limit": format_count(share.limit),
            "seconds": seconds,
        }
    raise LimitReached(message, limit=share.limit, retry_after_seconds=seconds)
