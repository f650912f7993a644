"""After which errors of a COMMIT a file is removed, because its row is certainly not stored."""

import sqlite3
from types import SimpleNamespace

import pytest
from django.db import IntegrityError, OperationalError

from core.file_transactions import is_rolled_back

pytestmark = pytest.mark.once


def make_error(**cause):
    error = OperationalError("no commit")
    error.__cause__ = sqlite3.OperationalError() if "sqlite_errorname" in cause else OSError()
    vars(error.__cause__).update(cause)
    return error


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        ({"sqlite_errorname": "SQLITE_FULL"}, True),
        ({"sqlite_errorname": "SQLITE_BUSY"}, True),
        ({"sqlite_errorname": "SQLITE_READONLY_DBMOVED"}, True),
        ({"sqlite_errorname": "SQLITE_IOERR_WRITE"}, True),
        ({"sqlite_errorname": "SQLITE_IOERR_FSYNC"}, False),
        ({"sqlite_errorname": "SQLITE_CORRUPT"}, False),
        ({"pgcode": "53100"}, True),  # disk_full
        ({"pgcode": "40001"}, True),  # serialization_failure
        ({"pgcode": "57P01"}, False),  # admin_shutdown
        ({"pgcode": "08006"}, False),  # connection_failure
        ({"pgcode": None}, False),
        ({}, False),
    ],
)
def test_the_outcome_of_a_failed_commit(cause, expected):
    database = SimpleNamespace(connection=SimpleNamespace(closed=0))
    assert is_rolled_back(make_error(**cause), database) is expected


@pytest.mark.parametrize("connection", [None, SimpleNamespace(closed=1)])
def test_the_outcome_is_unknown_if_the_connection_is_lost(connection):
    database = SimpleNamespace(connection=connection)
    assert not is_rolled_back(make_error(pgcode="53100"), database)
    assert is_rolled_back(IntegrityError(), database)
