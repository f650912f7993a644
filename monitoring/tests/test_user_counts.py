"""Counts of predictions by user: packed in rollups, moved by a migration, and listed for a window."""

from collections import Counter
from importlib import import_module

import numpy as np
import pytest
from django.apps import apps
from django.utils import timezone

from accounts.models import User
from core.tests.commands import run_command
from monitoring.busiest_users import MAX_LISTED_USERS, NO_ACCOUNT, compare_users
from monitoring.models import CountedUser, Rollup
from monitoring.rollup_reader import read_tallies
from monitoring.services.rollup import roll_up
from monitoring.tally import Tally, sum_tallies
from monitoring.tests.factories import assert_window, count_by_user, make_predictions
from monitoring.user_counts import add_by_number, pack_user_counts, sum_user_counts, unpack_user_counts
from monitoring.windows import DAY, HOUR, get_window

migration = import_module("monitoring.migrations.0007_packed_users")


@pytest.fixture
def users(db):
    return User.objects.bulk_create([User(username=f"user-{number:02}") for number in range(14)])


def build_tally(counts, packed=()):
    """Return a tally of counts by user, and of counts by number from rollups."""
    tally = Tally()
    tally.counts["user"].update({str(user.pk) if user else "": count for user, count in counts})
    tally.users = [np.array([(number,), (count,)], np.int64) for number, count in packed]
    return tally


def list_rows(*tallies):
    return [(row.name, row.current, row.previous) for row in compare_users(*tallies)]


def test_packed_counts_are_unpacked_exactly():
    counts = np.array([[0, 3, 4, 900_000_000_000], [7, 1, 2**40, 1]], np.int64)
    assert unpack_user_counts(pack_user_counts(counts)).tolist() == counts.tolist()
    empty = np.empty((2, 0), np.int64)
    assert unpack_user_counts(pack_user_counts(empty)).shape == (2, 0)
    assert sum_user_counts([]).shape == (2, 0)


def test_counts_of_the_same_user_are_added():
    arrays = [np.array(values, np.int64) for values in ([[5, 2], [1, 10]], [[2], [3]])]
    assert sum_user_counts(arrays).tolist() == [[2, 5], [13, 1]]
    assert add_by_number(arrays, size=7).tolist() == [0, 0, 13, 0, 0, 1, 0]


def test_counts_from_rollups_and_recent_predictions_are_added(users):
    first, second, third = users[:3]
    counted = CountedUser.objects.create(user=second)
    deleted = CountedUser.objects.create(user=None)
    current = build_tally([(first, 2), (second, 3), (None, 4)], [(counted.number, 5), (deleted.number, 6), (0, 7)])
    previous = build_tally([(third, 9), (first, 1)], [(counted.number, 1)])
    rows = compare_users(current, previous)
    assert [row[:3] for row in rows] == [(NO_ACCOUNT, 17, 0), ("user-01", 8, 1), ("user-00", 2, 1)]
    assert [row.share for row in rows] == [17 / 27, 8 / 27, 2 / 27]
    assert [row.previous_share for row in rows] == [0, 1 / 11, 1 / 11]


def test_users_with_as_many_predictions_are_in_the_order_of_their_names(users):
    names = [user.username for user in users]
    for user in reversed(users):
        CountedUser.objects.create(user=user)
    numbers = dict(CountedUser.objects.values_list("user__username", "number"))
    equal = build_tally([], [(number, 5) for number in numbers.values()])
    assert list_rows(equal, Tally()) == [(name, 5, 0) for name in names[:MAX_LISTED_USERS]]
    ahead = build_tally([], [(numbers[names[13]], 1), (numbers[names[12]], 2)])
    assert [name for name, *_ in list_rows(equal, ahead)] == [names[12], names[13], *names[:8]]
    one_less = build_tally([], [(number, 5 - (name in names[:6])) for name, number in numbers.items()])
    assert [name for name, *_ in list_rows(one_less, Tally())] == [*names[6:], *names[:2]]


def test_no_users_are_listed_without_predictions(db):
    assert compare_users(Tally(), Tally()) == []
    assert compare_users(Tally(), build_tally([(None, 3)])) == []


@pytest.mark.django_db
def test_the_migration_moves_the_counts_and_moves_them_back(shades, flowers, user, other, reviewer):
    now = timezone.now()
    users = [user, other, reviewer, None]
    for version in (shades, flowers):
        make_predictions(version, users, [now - 2 * DAY + number * HOUR / 3 for number in range(144)])
    window = get_window("7d", now=now)
    roll_up()
    other.delete()
    totals = count_by_user(sum_tallies(read_tallies(window).values()))
    migration.unpack_users(apps, None)
    assert not Rollup.objects.exclude(users=None).exists()
    counts = Counter()
    for row in Rollup.objects.filter(period__hours=1):
        counts.update(row.counts["user"])
    assert counts.keys() == {str(user.pk), str(reviewer.pk), ""}
    assert count_by_user(sum_tallies(read_tallies(window).values())) == totals
    assert_window("7d", now)
    CountedUser.objects.all().delete()
    Rollup.objects.filter(pk=Rollup.objects.filter(counts__user__has_key="").first().pk).update(users=None)
    migration.pack_users(apps, None)
    assert not Rollup.objects.filter(users=None).exists()
    assert not Rollup.objects.exclude(counts__user={}).exists()
    assert count_by_user(sum_tallies(read_tallies(window).values())) == totals
    assert_window("7d", now)


@pytest.mark.django_db
def test_an_erased_account_that_remains_is_counted_as_deleted(shades, user, reviewer, superuser):
    from predictions.services import review_prediction

    now = timezone.now()
    rows = make_predictions(shades, [user], [now - DAY] * 5)
    row = next(row for row in rows if row.status == "succeeded")
    review_prediction(prediction=row, reviewer=user, verdict="correct")
    roll_up()
    assert CountedUser.objects.get().user == user
    run_command("remove_user", user.username, "--erase", "--yes")
    assert User.objects.filter(pk=user.pk).exists()
    assert CountedUser.objects.get().user is None
    tally = sum_tallies(read_tallies(get_window("7d", now=now)).values())
    assert list_rows(tally, Tally()) == [(NO_ACCOUNT, 5, 0)]


@pytest.mark.django_db
def test_the_names_of_few_users_are_read(users, django_assert_num_queries):
    CountedUser.objects.bulk_create(CountedUser(user=user) for user in users)
    numbers = list(CountedUser.objects.order_by("number").values_list("number", flat=True))
    tally = build_tally([], [(number, 100 - position) for position, number in enumerate(numbers)])
    with django_assert_num_queries(2) as queries:
        assert len(compare_users(tally, Tally())) == MAX_LISTED_USERS
    assert str(numbers[11]) not in queries[-1]["sql"].split("IN")[1]
