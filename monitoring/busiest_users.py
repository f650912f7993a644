"""Find the users with the most predictions in a window."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from monitoring.models import CountedUser
from monitoring.tally import Tally
from monitoring.types import CountRow
from monitoring.user_counts import NO_USER, add_by_number, build_user_counts

MAX_LISTED_USERS = 10
NO_ACCOUNT = _("commands and deleted users")  # predictions without a user

Totals = npt.NDArray[np.int64]
"""Predictions in the current window and in the previous one: two rows, with the total of each user at their number."""


def compare_users(current: Tally, previous: Tally) -> list[CountRow]:
    """Return the users with the most predictions in the current window. Predictions without an account share one row.

    Only the names of users who can be among them are read.
    """
    totals, names = _sum_by_number(current, previous)
    sums = [int(total) for total in totals.sum(axis=1)]
    deleted = CountedUser.objects.filter(user=None, number__lt=totals.shape[1]).values_list("number", flat=True)
    without_account = [NO_USER, *deleted]
    counts = {str(NO_ACCOUNT): totals[:, without_account].sum(axis=1)}
    totals[:, without_account] = 0
    leaders = _find_leaders(totals).tolist()
    rows = CountedUser.objects.filter(number__in=leaders, user__isnull=False)
    names |= dict(rows.values_list("number", "user__username"))
    counts |= {names[number]: totals[:, number] for number in leaders if number in names}
    pairs = {name: (int(now), int(before)) for name, (now, before) in counts.items() if now}
    order = sorted(pairs, key=lambda name: (-pairs[name][0], -pairs[name][1], name))[:MAX_LISTED_USERS]
    return [_build_row(name, pairs[name], sums) for name in order]


def _build_row(name: str, pair: tuple[int, int], sums: list[int]) -> CountRow:
    return CountRow(name, *pair, *(count / total if total else None for count, total in zip(pair, sums, strict=True)))


def _sum_by_number(current: Tally, previous: Tally) -> tuple[Totals, dict[int, str]]:
    """Return the totals, and the names of users who have no number yet. These get one above all others."""
    tallies = (current, previous)
    ids = {user_id for tally in tallies for user_id in tally.counts["user"] if user_id}
    accounts = list(User.objects.filter(pk__in=ids).order_by("pk").values_list("pk", "username", "counted"))
    numbers = {str(pk): number for pk, _, number in accounts if number}
    counted = (int(array[0].max(initial=NO_USER)) for tally in tallies for array in tally.users)
    highest = max([NO_USER, *numbers.values(), *counted])
    unnumbered = list(enumerate(((str(pk), name) for pk, name, number in accounts if not number), highest + 1))
    numbers |= {pk: number for number, (pk, _) in unnumbered}
    names = {number: name for number, (_, name) in unnumbered}
    size = highest + 1 + len(names)
    arrays = ([*tally.users, build_user_counts(tally.counts["user"], numbers)] for tally in tallies)
    return np.stack([add_by_number(part, size=size) for part in arrays]), names


def _find_leaders(totals: Totals) -> npt.NDArray[np.int64]:
    """Return the numbers of the users with the most predictions, and of all users with as many as the last of them."""
    active = np.flatnonzero(totals[0])
    current, previous = totals[:, active]
    order = np.lexsort((-previous, -current))[:MAX_LISTED_USERS]
    if len(order) < MAX_LISTED_USERS:
        return active
    lowest = order[-1]
    is_tied = (current == current[lowest]) & (previous >= previous[lowest])
    return active[(current > current[lowest]) | is_tied]
