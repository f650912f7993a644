"""Model fields of the ledger."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import models
from uuid_utils.compat import uuid7


class UUID7Field(models.UUIDField):
    """A primary key that is the public id at once: ordered by time, not guessable (RFC 9562, 5.7)."""

    def __init__(self, **options: Any) -> None:
        defaults: dict[str, Any] = {"primary_key": True, "default": uuid7, "editable": False}
        super().__init__(**(defaults | options))


class RandomBits(models.Func):
    """The last 32 bits of a UUIDv7, which are random (RFC 9562, 5.7), as eight hexadecimal digits.

    Ordered by them rows stand in a shuffle that stays the same. Written without parameters, so that SQLite too takes an
    index on it.
    """

    template = "RIGHT(CAST(%(expressions)s AS varchar), 8)"
    arity = 1
    output_field = models.CharField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="SUBSTR(%(expressions)s, -8)", **context)


def is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
