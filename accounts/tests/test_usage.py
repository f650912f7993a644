"""Limits of requests and predictions per user."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Usage
from accounts.services import usage
from accounts.services.usage import LimitReached, count_predictions, count_request

pytestmark = pytest.mark.django_db


def count_allowed(user, attempts, *, limit):
    allowed = 0
    for _ in range(attempts):
        try:
            count_request(user=user, limit=limit, seconds=60)
            allowed += 1
        except LimitReached:
            pass
    return allowed


def forget_shares():
    """Do what another process does, which has taken nothing from the limits yet."""
    usage._shares.clear()


def test_processes_share_the_limit(user):
    allowed = 0
    for _ in range(10):
        allowed += count_allowed(user, 100, limit=600)
        forget_shares()
    assert 600 - 10 * 600 // usage.SHARES <= allowed <= 600


def test_a_refused_request_does_not_use_the_database(user, django_assert_num_queries):
    assert count_allowed(user, 5, limit=3) == 3
    with django_assert_num_queries(0):
        assert count_allowed(user, 100, limit=3) == 0


def test_most_requests_do_not_use_the_database(user, django_assert_max_num_queries):
    with django_assert_max_num_queries(40):
        assert count_allowed(user, 50, limit=1000) == 50


@pytest.mark.parametrize("moved", [timedelta(seconds=61), timedelta(hours=-1)], ids=["next period", "clock set back"])
def test_the_limit_starts_anew(user, monkeypatch, moved):
    assert count_allowed(user, 5, limit=3) == 3
    later = timezone.now() + moved
    monkeypatch.setattr(timezone, "now", lambda: later)
    assert count_allowed(user, 5, limit=3) == 3


def test_the_error_has_the_time_to_wait(user):
    with pytest.raises(LimitReached) as caught:
        for _ in range(4):
            count_request(user=user, limit=3, seconds=60)
    assert 58 <= caught.value.retry_after_seconds <= 60


def test_the_quota_counts_items_and_is_per_user(user, settings):
    settings.DAILY_QUOTA = 10
    count_predictions(user=user, count=8)
    with pytest.raises(LimitReached, match="at most 2 are left"):
        count_predictions(user=user, count=3)
    count_predictions(user=user, count=2)
    with pytest.raises(LimitReached, match="Try again after midnight UTC"):
        count_predictions(user=user)
    user.daily_quota = 12
    count_predictions(user=user, count=2)
    user.daily_quota = 0
    with pytest.raises(LimitReached, match="Contact the operator"):
        count_predictions(user=user)
    assert Usage.objects.get(user=user).started_at == timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)


@pytest.mark.django_db(transaction=True)
def test_concurrent_requests_do_not_exceed_the_limit(user):
    def send(_number):
        try:
            return count_allowed(user, 10, limit=120)
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as threads:
        assert sum(threads.map(send, range(20))) == 120
