"""Insert many rows at once. On PostgreSQL, COPY takes about 60% of the time of INSERT and checks the same constraints."""

from __future__ import annotations

import json
from collections.abc import Sequence
from io import StringIO
from typing import Any

from django.db import connection, reset_queries, transaction
from django.db.models import Model

from predictions.models import Input, Prediction, Review
from predictions.services.prediction_events import record_prediction_events

# Special characters in the text format of COPY: https://www.postgresql.org/docs/current/sql-copy.html
COPY_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
COPY_NULL = r"\N"


def insert_rows(*tables: Sequence[Model]) -> None:
    """Insert the rows of several tables in one transaction. Parents come before their children."""
    with transaction.atomic():
        for rows in tables:
            if rows and connection.vendor == "postgresql":
                _copy_rows(rows)
            elif rows:
                type(rows[0])._default_manager.bulk_create(rows)
            if rows and isinstance(rows[0], Prediction):
                record_prediction_events(prediction_ids=[row.pk for row in rows], is_sent=False)
    reset_queries()  # with DEBUG, Django keeps all queries, and these are long


def analyze_tables() -> None:
    """Update the statistics of the query planner and, on PostgreSQL, the visibility map."""
    # VACUUM cannot run inside a transaction, as in tests.
    can_vacuum = connection.vendor == "postgresql" and not connection.in_atomic_block
    statement = "VACUUM ANALYZE" if can_vacuum else "ANALYZE"
    with connection.cursor() as cursor:
        for model in (Input, Prediction, Review):
            cursor.execute(f"{statement} {connection.ops.quote_name(model._meta.db_table)}")


def _copy_rows(rows: Sequence[Model]) -> None:
    meta = rows[0]._meta
    table = connection.ops.quote_name(meta.db_table)
    columns = ", ".join(connection.ops.quote_name(str(field.column)) for field in meta.concrete_fields)
    names = [field.attname for field in meta.concrete_fields]
    lines = "".join("\t".join([_format_copy_value(vars(row)[name]) for name in names]) + "\n" for row in rows)
    with connection.cursor() as cursor:
        cursor.copy_expert(f"COPY {table} ({columns}) FROM STDIN", StringIO(lines))


def _format_copy_value(value: Any) -> str:
    if value is None:
        return COPY_NULL
    if isinstance(value, dict | list):
        value = json.dumps(value)
    return str(value).translate(COPY_ESCAPES)
