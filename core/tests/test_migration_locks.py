"""Migrations do not make requests wait behind them, and one process at a time applies them."""

import threading
from time import monotonic

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection, transaction
from django.db.models.signals import pre_migrate

from core.migration_locks import LOCK_SECONDS, hold_migration_lock, limit_lock_waits, restore_lock_waits, wait_for_locks

pytestmark = pytest.mark.django_db(transaction=True)
only_postgres = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")


def read_limit():
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        return cursor.fetchone()[0]


@pytest.fixture(autouse=True)
def _restore_limit():
    yield
    connection.close()


@only_postgres
def test_migrate_waits_for_locks_for_a_short_time_only():
    found = []
    receiver = lambda **kwargs: found.append(read_limit())  # noqa: E731  the signal keeps only a weak reference
    usual = read_limit()
    pre_migrate.connect(receiver)
    try:
        call_command("migrate", verbosity=0)
    finally:
        pre_migrate.disconnect(receiver)
    assert set(found) == {f"{LOCK_SECONDS}s"}
    assert read_limit() == usual != f"{LOCK_SECONDS}s"


@only_postgres
def test_a_change_of_a_table_in_use_fails_soon():
    limit_lock_waits(using="default")
    other = connection.copy("other")
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM accounts_user")
        started = monotonic()
        with pytest.raises(OperationalError, match="lock timeout"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("ALTER TABLE accounts_user ADD COLUMN color text")
        assert LOCK_SECONDS - 0.5 < monotonic() - started < LOCK_SECONDS + 2
    finally:
        other.close()


@only_postgres
def test_an_index_that_is_built_online_can_wait():
    usual = read_limit()
    with wait_for_locks(connection):
        assert read_limit() == "0"
    assert read_limit() == f"{LOCK_SECONDS}s"
    restore_lock_waits(using="default")
    assert read_limit() == usual


@pytest.fixture
def database(settings, tmp_path):
    """Return a connection to a database that other processes can open."""
    settings.VAR_DIR = tmp_path
    opened = connection.copy()
    if connection.vendor == "sqlite":
        opened.settings_dict["NAME"] = str(tmp_path / "site.sqlite3")
    yield opened
    opened.close()


def test_one_process_at_a_time_holds_the_migration_lock(database):
    is_waiting, events = threading.Event(), []

    def migrate():
        with hold_migration_lock(database, report_wait=is_waiting.set):
            events.append("second")

    second = threading.Thread(target=migrate)
    with hold_migration_lock(database, report_wait=lambda: events.append("waited")):
        second.start()
        assert is_waiting.wait(10)
        events.append("first")
    second.join(10)
    assert events == ["first", "second"]


@only_postgres
def test_migrate_waits_for_another_migrate_and_states_so(capsys):
    def run():
        call_command("migrate", verbosity=0)
        connection.close()

    migrate, stated = threading.Thread(target=run), ""
    with hold_migration_lock(connection, report_wait=lambda: pytest.fail("the lock is not free")):
        migrate.start()
        while "Another process is running migrate" not in stated:
            migrate.join(0.05)
            assert migrate.is_alive()
            stated += capsys.readouterr().err
    migrate.join(30)
    assert not migrate.is_alive()
