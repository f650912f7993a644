"""`/readyz` names what is wrong with the database."""

import pytest
from django.db import OperationalError, ProgrammingError, connection

from core.availability import is_schema_error

TABLE = "predictions_queuedprediction"


@pytest.mark.django_db(transaction=True)
def test_a_missing_table_is_not_an_unreachable_database(client):
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {TABLE} RENAME TO other_table")
        try:
            response = client.get("/readyz")
        finally:
            cursor.execute(f"ALTER TABLE other_table RENAME TO {TABLE}")
    assert (response.status_code, response.json()) == (503, {"status": "unavailable", "database": "not-migrated"})


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ProgrammingError('relation "x" does not exist'), True),
        (OperationalError("no such column: x.y"), True),
        (OperationalError("connection refused"), False),
        (OperationalError("database is locked"), False),
    ],
)
def test_errors_of_the_schema(error, expected):
    assert is_schema_error(error) is expected
