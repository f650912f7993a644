"""Express a range of creation times as a range of IDs, which are UUIDv7 and therefore in the order of time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import BooleanField, DurationField, Func, Model, Q, Subquery, UUIDField, Value
from django.db.models.functions import Coalesce

from core.fields import get_first_id

MAX_DEVIATION = timedelta(minutes=10)  # between the time in an ID and the creation time, because clocks are adjusted
LOWEST_ID, HIGHEST_ID = UUID(int=0), UUID(int=2**128 - 1)


class Deviation(Func):
    """The creation time minus the time in a UUIDv7, on PostgreSQL."""

    function = None
    arity = 2
    arg_joiner = ", "
    template = (
        "(%(created_at)s - TO_TIMESTAMP(('x' || TRANSLATE(LEFT(%(id)s::text, 13), '-', ''))::bit(48)::bigint / 1000.0))"
    )
    output_field = DurationField()

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        created_at, row_id = (compiler.compile(expression)[0] for expression in self.get_source_expressions())
        return self.template % {"created_at": created_at, "id": row_id}, []


class IsDeviating(Func):
    """Whether a creation time differs by more than `MAX_DEVIATION` from the time in the ID, on PostgreSQL.

    Migration 0010 has the same condition in a partial index, which is empty unless somebody changed creation times.
    """

    arity = 1
    template = "(%(expressions)s NOT BETWEEN INTERVAL '-10 minutes' AND INTERVAL '10 minutes')"
    output_field = BooleanField()


def build_id_condition(
    model: type[Model],
    *,
    start: datetime | None,
    end: datetime | None,
    has_deviation_index: bool,
    is_evaluated: bool = False,
) -> Q:
    """Return the condition for the IDs of rows created between two times. Use it in addition to the exact condition.

    The list of one day is sorted by ID. Without this condition, PostgreSQL reads all newer rows to find it, because it does
    not know that `id` and `created_at` have the same order (130 ms of CPU for a day with 500,000 newer predictions).
    If any row deviates, the range contains all IDs. SQLite has no function that reads the time in an ID.

    Args:
        has_deviation_index: whether the table has the index that finds deviating rows. Otherwise they are not looked for.
        is_evaluated: look for a deviating row now, with a query of its own. PostgreSQL then knows how many rows the range
            contains. It is not needed for a list that is sorted by ID.
    """
    condition = Q()
    if connection.vendor != "postgresql":
        return condition
    if start:
        first = get_first_id(_shift(start, -MAX_DEVIATION))
        widened = _widen_if_deviating(model, first, LOWEST_ID, is_evaluated=is_evaluated) if has_deviation_index else first
        condition &= Q(pk__gte=widened)
    if end:
        last = get_first_id(_shift(end, MAX_DEVIATION))
        widened = _widen_if_deviating(model, last, HIGHEST_ID, is_evaluated=is_evaluated) if has_deviation_index else last
        condition &= Q(pk__lt=widened)
    return condition


def _shift(moment: datetime, difference: timedelta) -> datetime:
    try:
        return moment + difference
    except OverflowError:
        return moment


def _widen_if_deviating(model: type[Model], limit: UUID, extreme: UUID, *, is_evaluated: bool) -> Any:
    """Return the limit, or the extreme ID if any row deviates.

    Sorting by the column of the partial index makes PostgreSQL read this index, regardless of the number of rows that it
    expects. `Exists` would drop the order.
    """
    deviation = Deviation("created_at", "id")
    deviating = model._default_manager.filter(IsDeviating(deviation)).order_by(deviation)
    if is_evaluated:
        return extreme if list(deviating.values_list("pk")[:1]) else limit
    return Coalesce(Subquery(deviating.values_list(Value(extreme, UUIDField()))[:1]), Value(limit, UUIDField()))
