"""What is counted after a request: each hour once, whatever the database says, and never while somebody waits."""

import threading
from datetime import timedelta

import pytest
from django.core.signals import request_finished
from django.db import DatabaseError, InterfaceError
from django.utils import timezone

from mlsite import scheduler as upkeep
from monitoring.checks import check_lag
from monitoring.models import RolledPeriod
from monitoring.services.rollup import LAG
from monitoring.tests.test_rollup import check_window, made_up
from monitoring.windows import HOUR, floor

pytestmark = pytest.mark.django_db


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands at twenty past an hour, and that a test moves on."""

    class Clock:
        now = floor(timezone.now(), HOUR) - 2 * HOUR + timedelta(minutes=20)

    monkeypatch.setattr("mlsite.scheduler.timezone.now", lambda: Clock.now)
    return Clock


@pytest.fixture
def keep(monkeypatch):
    """One that counts where it is called, so that a test's transaction holds it."""

    class InPlace(threading.Thread):
        def start(self):
            self.run()

    monkeypatch.setattr(upkeep, "Thread", InPlace)
    monkeypatch.setattr(upkeep.connections, "close_all", lambda: None)
    return upkeep.HourlyRollup()


@pytest.fixture
def filled(shades, user, clock):
    return made_up(shades, [user], [clock.now - number * HOUR for number in range(1, 31)])


def wait_for(condition):
    for _ in range(200):
        if condition():
            return
        threading.Event().wait(0.05)
    raise AssertionError("it did not come")


def counted():
    return RolledPeriod.objects.filter(hours=1).count()


def test_a_request_counts_all_that_is_over(filled, keep):
    keep(sender=None)
    assert counted() == 30
    check_window("24h", timezone.now())


def test_an_hour_is_counted_when_its_late_answers_are_there(filled, keep, clock, django_assert_num_queries):
    keep()
    clock.now = floor(clock.now, HOUR) + HOUR + LAG - timedelta(seconds=1)
    with django_assert_num_queries(0):
        keep()
    clock.now += timedelta(seconds=1)
    keep()
    assert counted() == 31
    with django_assert_num_queries(0):
        keep()


@pytest.mark.parametrize("error", [DatabaseError, InterfaceError, ValueError])
def test_what_goes_wrong_is_logged_and_tried_again_an_hour_later(filled, keep, clock, monkeypatch, caplog, error):
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
    assert counted() == 31


def test_nobody_waits_and_one_counts_at_a_time(clock, monkeypatch):
    inside, done, calls = threading.Event(), threading.Event(), []

    def slow(**asked):
        calls.append(threading.current_thread())
        inside.set()
        done.wait(10)
        return 0

    monkeypatch.setattr(upkeep, "roll_up", slow)
    keep = upkeep.HourlyRollup()
    keep()
    assert inside.wait(10)
    assert calls[0].daemon and calls[0] is not threading.current_thread()
    clock.now += HOUR
    keep()
    done.set()
    calls[0].join(10)
    assert len(calls) == 1
    keep()
    wait_for(lambda: len(calls) == 2)


def test_the_application_keeps_it_up_after_requests():
    import mlsite.asgi
    import mlsite.wsgi

    try:
        for module in (mlsite.wsgi, mlsite.asgi):
            assert request_finished.disconnect(module.keep_rolled_up)
    finally:
        request_finished.disconnect(mlsite.wsgi.keep_rolled_up)


@pytest.mark.parametrize(("seconds", "warned"), [(900, False), (901, True)])
def test_who_waits_longer_for_a_model_than_hours_are_kept_open_is_warned(settings, seconds, warned):
    settings.PREDICT_TIMEOUT = seconds
    assert ["predictions.W002"] * warned == [one.id for one in check_lag()]
