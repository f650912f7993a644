"""Insert many rows with COPY, which PostgreSQL parses faster than INSERT."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from io import StringIO
from typing import Any
from uuid import UUID

from django.db.backends.base.base import BaseDatabaseWrapper

NULL = "\\N"
ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\b": "\\b", "\f": "\\f", "\v": "\\v"}
ESCAPED = re.compile(r"[\\\t\n\r\b\f\v]")
TRANSLATION = str.maketrans(ESCAPES)


def copy_rows(database: BaseDatabaseWrapper, table: str, columns: dict[str, list[Any]]) -> None:
    """Insert rows into a table of PostgreSQL in the current transaction.

    Measured for inputs and predictions: 0.05 instead of 0.09 ms of CPU of the database per prediction, and 0.02 instead of
    0.06 ms in this process.

    Args:
        columns: the values of all rows by column: texts, numbers, times, UUIDs, JSON as dictionaries or lists, and None.

    Raises:
        DatabaseError: a row was rejected. Roll the transaction back.
    """
    quote = database.ops.quote_name
    names = ", ".join(map(quote, columns))
    lines = map("\t".join, zip(*map(_format_column, columns.values()), strict=True))
    with database.cursor() as cursor, database.wrap_database_errors:  # Django wraps only those of other methods
        cursor.copy_expert(f"COPY {quote(table)} ({names}) FROM STDIN", StringIO("\n".join(lines) + "\n"))


def _format_column(values: list[Any]) -> list[str]:
    """Return the values in the text format of COPY. In most columns, all values have the same type, or are the same."""
    if len(set(map(id, values))) == 1:
        return [_format_value(values[0])] * len(values)
    kinds = set(map(type, values))
    kind = kinds.pop()
    if kinds or kind not in FORMATS:
        return list(map(_format_value, values))
    if kind is str and not ESCAPED.search("".join(values)):
        return values
    if kind is dict and (texts := _format_dictionaries(values)):
        return texts
    if kind is list and not any(values):
        return ["[]"] * len(values)
    return list(map(FORMATS[kind], values))


def _format_dictionaries(values: list[dict[str, Any]]) -> list[str] | None:
    """Return dictionaries as JSON, or None if the JSON of all of them is not plainly separable.

    Encoding 1,000 flat dictionaries together takes 1.8 ms of CPU. One by one, it takes 3.4 ms, because each call creates an
    encoder. If the separator occurs more often, some are in texts or lists.
    """
    texts = _format_json(values).removeprefix("[{").removesuffix("}]").split("}, {")
    return [f"{{{text}}}" for text in texts] if len(texts) == len(values) else None


def _format_value(value: Any) -> str:
    if value is None:
        return NULL
    for kind, format_kind in FORMATS.items():
        if isinstance(value, kind):
            return format_kind(value)
    raise TypeError(f"COPY has no format for {type(value).__name__}.")


def _format_text(text: str) -> str:
    return text.translate(TRANSLATION) if ESCAPED.search(text) else str(text)


def _format_json(value: Any) -> str:
    return json.dumps(value).replace("\\", "\\\\")  # it has no other special characters


FORMATS: dict[type, Callable[[Any], str]] = {
    str: _format_text,
    float: repr,
    UUID: str,
    datetime: datetime.isoformat,
    dict: _format_json,
    list: _format_json,
    bool: lambda value: "t" if value else "f",
    int: lambda value: str(int(value)),
}
