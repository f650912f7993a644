"""SQL statements that bypass the query compiler."""

import pytest

from core.statements import Statement

pytestmark = pytest.mark.django_db


def test_a_statement_returns_its_first_row_or_none():
    statement = Statement("SELECT id FROM accounts_user WHERE username = %s")
    assert statement.fetch_one(["nobody"]) is None
    assert Statement("SELECT 1").fetch_one([]) == (1,)


def test_different_statements_have_different_names():
    assert Statement("SELECT 1").name != Statement("SELECT 2").name
