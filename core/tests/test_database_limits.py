"""Requests stop waiting for the database in time; other work has longer limits."""

import threading
import time
from contextlib import closing
from types import SimpleNamespace

import pytest
from django.db import OperationalError, connection, transaction

from core import database_limits
from core.availability import WriteCheck
from core.database_limits import build_request_limits, get_limits, use_job_limits


@pytest.fixture
def request_limits(open_connection, monkeypatch, settings):
    """Use the limits of requests, shortened to a quarter, for new connections of this thread."""
    settings.DATABASE_TIMEOUT = 1.0
    monkeypatch.setattr(database_limits._Process, "serves_requests", True)
    connection.close()
    yield get_limits()
    connection.close()


@pytest.fixture
def other_lock(open_connection):
    """Hold a lock in another connection: an advisory one, or with SQLite, the only one for all tables.

    The fixture `db`, which also `django_user_model` requests, holds the lock of SQLite itself: its transaction is IMMEDIATE.
    """
    other = connection.copy("other")
    with closing(other), other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(1)" if connection.vendor == "postgresql" else "BEGIN IMMEDIATE")
        yield


@pytest.mark.once
def test_all_limits_of_a_request_are_within_its_time():
    limits = build_request_limits(4.0)
    assert limits.lock < limits.statement < limits.response < 4.0
    assert 2 * limits.lock <= 4.0, "SQLite: for the request that writes before, and then itself"


@pytest.mark.once
def test_jobs_in_a_process_that_serves_requests_have_long_limits(request_limits, settings):
    assert request_limits.statement < 1
    with use_job_limits():
        assert get_limits().statement == settings.DATABASE_JOB_TIMEOUT
        with use_job_limits():
            pass
        assert get_limits().statement == settings.DATABASE_JOB_TIMEOUT, "nested"
    assert get_limits() == request_limits


def test_a_request_does_not_wait_long_for_a_lock(request_limits, other_lock):
    started = time.monotonic()
    with pytest.raises(OperationalError), transaction.atomic(), connection.cursor() as cursor:  # BEGIN locks SQLite
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_advisory_lock(1)")
    assert 0.3 < time.monotonic() - started < 3


def read_limit():
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout" if connection.vendor == "postgresql" else "PRAGMA busy_timeout")
        return cursor.fetchone()[0]


def test_the_limits_of_an_open_connection_change_and_return(request_limits):
    short, long = ("750ms", "1h") if connection.vendor == "postgresql" else (500, 20_000)
    assert read_limit() == short
    with use_job_limits():
        assert read_limit() == long
    assert read_limit() == short


@pytest.mark.once
def test_a_write_check_is_repeated_after_some_seconds_by_one_thread(monkeypatch):
    calls, errors = [], [OperationalError("full"), None]

    def write(database):
        calls.append(threading.get_ident())
        if error := errors[len(calls) - 1]:
            raise error

    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr("core.availability.monotonic", lambda: clock.now)
    monkeypatch.setattr("core.availability._write", write)
    check = WriteCheck()
    for _ in range(3):
        with pytest.raises(OperationalError, match="full"):
            check.run()
    assert len(calls) == 1
    clock.now += 1.5
    for _ in range(3):
        check.run()
    assert len(calls) == 2
