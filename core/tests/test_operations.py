"""Operations of migrations that run while the site is running."""

import sqlite3
from contextlib import closing

import pytest
from django.db import DatabaseError, IntegrityError, NotSupportedError, connection, models, transaction
from django.db.migrations import CreateModel
from django.db.migrations.state import ProjectState

from core.operations import AddConstraintOnline

pytestmark = pytest.mark.django_db(transaction=True)
TABLE = "core_samplerow"
CONSTRAINT = models.CheckConstraint(condition=models.Q(size__gt=0), name="sample_size")


@pytest.fixture
def run():
    """Return a function that runs an operation on a table with one integer column, forwards or backwards."""
    create = CreateModel("SampleRow", [("id", models.BigAutoField(primary_key=True)), ("size", models.IntegerField())])
    before = ProjectState()
    create.state_forwards("core", before)
    with connection.schema_editor() as editor:
        create.database_forwards("core", editor, ProjectState(), before)

    def call(operation, *, backwards=False, atomic=False):
        after = before.clone()
        operation.state_forwards("core", after)
        with connection.schema_editor(atomic=atomic) as editor:
            if backwards:
                operation.database_backwards("core", editor, after, before)
            else:
                operation.database_forwards("core", editor, before, after)

    yield call
    with connection.schema_editor() as editor:
        editor.execute(f"DROP TABLE {TABLE}")


def insert(size):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {TABLE} (size) VALUES ({size})")


def test_a_constraint_is_added_and_removed(run):
    insert(1)
    run(AddConstraintOnline("samplerow", CONSTRAINT))
    with pytest.raises(IntegrityError):
        insert(0)
    run(AddConstraintOnline("samplerow", CONSTRAINT), backwards=True)
    insert(0)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite copies the table")
def test_an_interrupted_migration_can_run_again(run):
    insert(0)
    with pytest.raises(DatabaseError, match="violated by some row"):
        run(AddConstraintOnline("samplerow", CONSTRAINT))
    with pytest.raises(IntegrityError):  # it is there, but not validated
        insert(0)
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {TABLE}")
    run(AddConstraintOnline("samplerow", CONSTRAINT))
    with connection.cursor() as cursor:
        cursor.execute("SELECT convalidated FROM pg_constraint WHERE conname = 'sample_size'")
        assert cursor.fetchone() == (True,)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite copies the table")
def test_a_transaction_is_refused(run):
    with pytest.raises(NotSupportedError, match="atomic = False"):
        run(AddConstraintOnline("samplerow", CONSTRAINT), atomic=True)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL does not copy the table")
def test_rows_that_are_inserted_while_a_table_is_copied_are_not_lost(run):
    """SQLite copies the table and drops the old one. A row that another process adds between the two must not disappear."""
    outcomes = []

    def insert_after_copy(execute, sql, params, many, context):
        result = execute(sql, params, many, context)
        if sql.startswith("INSERT INTO"):
            with closing(sqlite3.connect(connection.settings_dict["NAME"], timeout=0, uri=True)) as other:
                try:
                    other.execute(f"INSERT INTO {TABLE} (size) VALUES (2)")
                    other.commit()
                    outcomes.append("stored")
                except sqlite3.OperationalError:
                    outcomes.append("rejected")
        return result

    insert(1)
    with connection.execute_wrapper(insert_after_copy):
        run(AddConstraintOnline("samplerow", CONSTRAINT))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {TABLE}")
        assert (outcomes, cursor.fetchone()) == (["rejected"], (1,))
