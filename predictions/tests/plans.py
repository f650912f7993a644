"""Query plans of PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from django.db import connection

on_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="plans of PostgreSQL")


def explain(statements: Iterable[str]) -> str:
    """Return the plans of the statements that read predictions or reviews, for tables so large that no scan pays.

    Args:
        statements: SQL with its parameters inserted, as `CaptureQueriesContext` records it.
    """
    plans = []
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        for statement in statements:
            if "predictions_" in statement and "SELECT" in statement:
                cursor.execute(f"EXPLAIN {statement}")
                plans += [line for (line,) in cursor.fetchall()]
    return "\n".join(plans)
