"""Fixtures for tests of the database connection."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection


@pytest.fixture
def open_connection(django_db_setup, django_db_blocker) -> Iterator[None]:
    """Open a connection of its own for a test that stores nothing. The database is not flushed afterwards, which is slow."""
    with django_db_blocker.unblock():
        connection.close()
        connection.connect()
        yield
        connection.close()
