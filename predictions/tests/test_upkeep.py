"""What is counted after a request: each hour once, whatever the database says, and never while somebody waits."""

import threading
from datetime import timedelta

import pytest
from django.core.signals import request_finished
from django.db import DatabaseError, InterfaceError
from django.utils import timezone

from predictions.models import RolledPeriod
from predictions.operations.windows import HOUR, floor
from predictions.services import upkeep
from predictions.services.rollup import LAG
from predictions.tests.test_rollup import check_window, made_up

pytestmark = pytest.mark.django_db


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands at twenty past an hour, and that a test moves on."""

    class Clock:
        now = floor(timezone.now(), HOUR) - 2 * HOUR + timedelta(minutes=20)

    monkeypatch.setattr("predictions.services.upkeep.timezone.now", lambda: Clock.now)
    return Clock


@pytest.fixture
def keep():
    return upkeep.HourlyRollup()


@pytest.fixture
def filled(shades, user, clock):
    return made_up(shades, [user], [clock.now - number * HOUR for number in range(1, 31)])


def counted():
    return RolledPeriod.objects.filter(hours=1).count()


def test_a_request_counts_what_is_over_a_day_at_a_time(filled, keep):
    for expected in (24, 30, 30):
        keep(sender=None)
        assert counted() == expected
    check_window("24h", timezone.now())


def test_an_hour_is_counted_when_its_late_answers_are_there(filled, keep, clock, django_assert_num_queries):
    keep()
    keep()
    clock.now = floor(clock.now, HOUR) + HOUR + LAG - timedelta(seconds=1)
    with django_assert_num_queries(0):
        keep()
    clock.now += timedelta(seconds=1)
    keep()
    assert counted() == 31
    with django_assert_num_queries(0):
        keep()


@pytest.mark.parametrize("error", [DatabaseError, InterfaceError])
def test_a_database_that_refuses_is_asked_again_an_hour_later(filled, keep, clock, monkeypatch, caplog, error):
    def refuse(**asked):
        raise error("locked")

    with monkeypatch.context() as patched:
        patched.setattr(upkeep, "roll_up", refuse)
        keep()
    assert "not rolled up" in caplog.text
    assert counted() == 0
    keep()
    assert counted() == 0
    clock.now += HOUR
    keep()
    assert counted() == 24


def test_one_thread_counts_while_the_others_go_on(clock, keep, monkeypatch):
    inside, done, calls = threading.Event(), threading.Event(), []

    def slow(**asked):
        calls.append(asked)
        inside.set()
        done.wait(10)
        return 0

    monkeypatch.setattr(upkeep, "roll_up", slow)
    first = threading.Thread(target=keep)
    first.start()
    assert inside.wait(10)
    clock.now += HOUR
    keep()
    done.set()
    first.join(10)
    assert len(calls) == 1


def test_the_application_keeps_it_up_after_requests():
    import mlsite.asgi
    import mlsite.wsgi

    try:
        for module in (mlsite.wsgi, mlsite.asgi):
            assert request_finished.disconnect(module.keep_rolled_up)
    finally:
        request_finished.disconnect(mlsite.wsgi.keep_rolled_up)
