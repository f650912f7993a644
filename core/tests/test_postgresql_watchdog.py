"""A PostgreSQL server that does not respond holds up no thread."""

import os
import signal
import socket
import threading
import time
from contextlib import contextmanager

import pytest
from django.db import OperationalError, connection, connections, transaction

from core.postgresql import watchdog as module
from core.postgresql.watchdog import watchdog
from core.statements import Statement
from core.tests.processes import stop_process
from core.tests.waiting import wait_until

pytestmark = pytest.mark.skipif(connection.vendor != "postgresql", reason="the backend of PostgreSQL")


ONE = Statement("SELECT %s::int")


@pytest.fixture(autouse=True)
def _short_limit(open_connection):
    connection.connection.limit_seconds = 0.4
    yield
    wait_until(lambda: not watchdog.is_stalled and watchdog.accepts_connections)


@contextmanager
def stop_session():
    """Stop the process of the server that serves the connection, without ending it."""
    pid = connection.connection.info.backend_pid
    stop_process(pid)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_statement_without_a_response_is_stopped():
    with connection.cursor() as cursor, stop_session():
        started = time.monotonic()
        with pytest.raises(OperationalError, match="did not respond in time"):
            cursor.execute("SELECT 1")
        assert time.monotonic() - started < 2
    assert connection.connection.closed


@pytest.mark.parametrize("method", ["commit", "rollback"])
def test_a_transaction_without_a_response_is_stopped(method):
    connection.set_autocommit(False)
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    with stop_session(), pytest.raises(OperationalError):
        getattr(connection, method)()
    connection.close()


def test_an_idle_connection_that_is_dead_is_replaced_without_an_error(monkeypatch):
    """A firewall has dropped it, for example. The server itself responds."""
    for name, value in {"health_check_enabled": True, "health_check_done": False, "_checked_at": float("-inf")}.items():
        monkeypatch.setattr(connection, name, value)
    with stop_session(), connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)
    assert not watchdog.is_stalled


def test_statements_fail_at_once_while_the_server_is_stalled(monkeypatch):
    monkeypatch.setattr(watchdog, "is_stalled", True)
    with pytest.raises(OperationalError, match="does not respond"):
        ONE.fetch_one([1])
    connection.close()
    with pytest.raises(OperationalError, match="does not respond"):
        connection.ensure_connection()
    monkeypatch.setattr(watchdog, "is_stalled", False)
    assert ONE.fetch_one([1]) == (1,)


def test_open_connections_work_while_new_ones_are_refused(monkeypatch):
    monkeypatch.setattr(watchdog, "accepts_connections", False)
    assert ONE.fetch_one([1]) == (1,)
    connection.close()
    with pytest.raises(OperationalError, match="does not respond"):
        connection.ensure_connection()
    monkeypatch.setattr(watchdog, "accepts_connections", True)


def test_a_server_that_is_silent_is_stalled_and_one_that_refuses_is_not():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        params = {"host": "127.0.0.1", "port": silent.getsockname()[1], "connect_timeout": 2, "dbname": "x", "user": "x"}
        assert not module._is_responding(params)
    assert module._is_responding(params)


def test_a_slow_statement_is_canceled_by_the_server_and_the_connection_remains():
    connection.connection.limit_seconds = 30
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 100")
        with pytest.raises(OperationalError, match="statement timeout"):
            cursor.execute("SELECT pg_sleep(5)")
        cursor.execute("SELECT 1")
    assert not watchdog.is_stalled


def test_a_database_that_became_read_only_is_unavailable(django_user_model):
    with pytest.raises(OperationalError, match="read-only transaction"), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
        django_user_model.objects.create(username="ada")


def test_a_cursor_with_a_name_is_watched():
    with transaction.atomic():
        cursor = connection.chunked_cursor()
        cursor.execute("SELECT generate_series(1, 10)")
        with stop_session(), pytest.raises(OperationalError):
            cursor.fetchmany(2)
        connection.close()


def test_connections_of_threads_that_have_ended_are_forgotten():
    before = len(watchdog._connections)
    thread = threading.Thread(target=lambda: (ONE.fetch_one([1]), connections.close_all()))
    thread.start()
    thread.join()
    wait_until(lambda: len(watchdog._connections) <= before)
