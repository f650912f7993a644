"""The backend for PostgreSQL: connection checks and prepared statements."""

import pytest
from django.db import DataError, ProgrammingError, connection
from django.db.backends.postgresql import base
from django.test.utils import CaptureQueriesContext

from core.statements import Statement

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="the backend of PostgreSQL"),
]

ADD = Statement("SELECT %s::int + %s::int")


@pytest.fixture(autouse=True)
def _check_connections(monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "CONN_HEALTH_CHECKS", True)
    monkeypatch.setattr(connection, "_checked_at", float("-inf"))
    connection.close()
    connection.connect()
    yield
    connection.close()


def terminate_session():
    """End the session of the connection from another one, as a restart of the server does."""
    pid = connection.connection.info.backend_pid
    other = connection.copy("other")
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    other.close()


def test_a_connection_that_the_server_closed_is_replaced_without_an_error():
    assert connection.is_usable()
    terminate_session()
    assert not connection.is_usable()
    connection.health_check_done = False
    with connection.cursor() as cursor:  # checks the connection first
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)


def test_a_connection_in_use_is_checked_without_a_query(monkeypatch):
    checks = []
    raw = connection.connection
    monkeypatch.setattr(base.DatabaseWrapper, "is_usable", lambda self: checks.append(1) or True)
    monkeypatch.setattr(connection, "_checked_at", float("-inf"))
    assert connection.is_usable()
    assert len(checks) == 1, "the first check is a query"
    assert connection.is_usable()
    assert len(checks) == 1
    monkeypatch.setattr(connection, "_checked_at", float("-inf"))
    assert connection.is_usable()
    assert len(checks) == 2, "after a pause, it is a query again"
    assert connection.connection is raw


def list_prepared():
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pg_prepared_statements")
        return [name for (name,) in cursor.fetchall()]


def test_a_statement_is_prepared_once_per_connection():
    assert [ADD.fetch_one([1, 2]), ADD.fetch_one([3, 4])] == [(3,), (7,)]
    assert list_prepared() == [ADD.name]
    connection.close()
    assert ADD.fetch_one([1, 2]) == (3,)
    assert list_prepared() == [ADD.name]


def test_a_statement_works_behind_a_pooler_that_changes_the_session():
    assert ADD.fetch_one([1, 2]) == (3,)
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")  # as if the next statement reached another session
    assert ADD.fetch_one([3, 4]) == (7,)
    with CaptureQueriesContext(connection) as queries:
        assert ADD.fetch_one([3, 4]) == (7,)
    assert len(queries) == 1, "statements are no longer prepared"
    assert list_prepared() == []


def test_a_statement_that_another_process_prepared_in_the_session_is_used():
    with connection.cursor() as cursor:
        cursor.execute(f"PREPARE {ADD.name} AS SELECT $1::int + $2::int")
    assert ADD.fetch_one([1, 2]) == (3,)


def test_a_statement_works_after_a_migration_has_changed_the_type_of_a_column():
    statement = Statement("SELECT label FROM changing WHERE id = %s")
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE changing AS SELECT 1 AS id, 'a'::varchar(5) AS label")
        assert statement.fetch_one([1]) == ("a",)
        cursor.execute("ALTER TABLE changing ALTER COLUMN label TYPE varchar(9)")
    assert statement.fetch_one([1]) == ("a",)
    connection.close()
    assert ADD.fetch_one([1, 2]) == (3,)
    assert list_prepared() == [ADD.name], "the next connection prepares statements again"


def test_a_pooler_in_transaction_mode_gets_no_prepared_statements(monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "DISABLE_SERVER_SIDE_CURSORS", True)
    connection.close()
    assert ADD.fetch_one([1, 2]) == (3,)
    assert list_prepared() == []


def test_errors_of_a_prepared_statement_are_those_of_django():
    with pytest.raises(ProgrammingError):
        Statement("SELECT no_such_column").fetch_one([])
    with CaptureQueriesContext(connection) as queries, pytest.raises(DataError):
        Statement("SELECT 1 / %s::int").fetch_one([0])
    assert len(queries) == 2, "PREPARE and EXECUTE; the statement is not executed again"
