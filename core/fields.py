"""Model fields and database functions for UUIDv7 IDs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import models
from uuid_utils.compat import uuid7

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
RANDOM_BIT_COUNT = 80  # after the 48 bits of the time; some of them are the version and the variant
MAX_TIMESTAMP = 2**48 - 1  # milliseconds


class UUID7Field(models.UUIDField):
    """A primary key that is also the public ID: ordered by time and not guessable (RFC 9562, section 5.7)."""

    def __init__(self, **options: Any) -> None:
        defaults: dict[str, Any] = {"primary_key": True, "default": uuid7, "editable": False}
        super().__init__(**(defaults | options))


@UUID7Field.register_lookup
class RandomBits(models.Transform):
    """The last 32 bits of a UUIDv7, which are random (RFC 9562, section 5.7), as eight hexadecimal digits.

    Sorting by them gives a random order that does not change between queries. The SQL has no parameters, because SQLite
    does not index expressions with parameters.
    """

    lookup_name = "random_bits"
    template = "RIGHT(CAST(%(expressions)s AS varchar), 8)"
    arity = 1
    output_field = models.CharField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="SUBSTR(%(expressions)s, -8)", **context)


@UUID7Field.register_lookup
class InArray(models.Lookup):
    """Whether an ID is one of an array, on PostgreSQL. It computes the array first, and looks its IDs up in the index.

    It can plan `IN` with a limited subquery as a join that compares each row of the table with all IDs (minutes).
    """

    lookup_name = "in_array"

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        lhs, lhs_params = self.process_lhs(compiler, connection)
        rhs, rhs_params = self.process_rhs(compiler, connection)
        return f"{lhs} = ANY({rhs})", [*lhs_params, *rhs_params]


def get_first_id(moment: datetime) -> UUID:
    """Return the lowest UUIDv7 of a millisecond, to compare ids with a time. Times before 1970 have the ID 0."""
    milliseconds = (moment - EPOCH) // timedelta(milliseconds=1)
    return UUID(int=min(max(milliseconds, 0), MAX_TIMESTAMP) << RANDOM_BIT_COUNT)


def get_id_time(row_id: UUID) -> datetime:
    """Return the time in a UUIDv7, in milliseconds."""
    return EPOCH + timedelta(milliseconds=row_id.int >> RANDOM_BIT_COUNT)


def parse_uuid(text: str) -> UUID | None:
    """Return the UUID that a string contains, or None if it is not a valid UUID."""
    try:
        return UUID(text)
    except ValueError:
        return None
