"""Querysets of rows whose ID contains their creation time. Lists of them are sorted by ID."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar, Self, cast

from django.db import connection
from django.db.models import QuerySet, Subquery, UUIDField, Value
from django.db.models.functions import Coalesce, Greatest

from core.querysets import VisibleQuerySet
from predictions.id_ranges import LOWEST_ID, build_id_condition

PARTIAL_INDEX_EXCLUSIONS = {"status": "succeeded", "error_code": "", "client_reference": ""}
"""The common value that the index of a field leaves out, which makes it small. A list of common rows needs no index."""


class DatedQuerySet(VisibleQuerySet):
    """Rows with a creation time, and an ID that contains the same time."""

    has_deviation_index: ClassVar[bool] = False  # see predictions.id_ranges
    is_limited: bool = True

    def _clone(self) -> Self:
        clone: Self = super()._clone()  # type: ignore[misc]  # django-stubs lacks it
        clone.is_limited = self.is_limited
        return clone

    def in_any_order(self) -> Self:
        """Return the same rows for a count, or for a list that is not sorted by ID.

        Filters then do not start at the newest row, see `matching`. With this condition, PostgreSQL would read all rows in
        the order of their IDs, even if an index finds the few that match (300 instead of 20 ms of CPU).
        """
        rows = self.all()
        rows.is_limited = False
        return rows

    def created_in(self, *, start: datetime | None = None, end: datetime | None = None) -> Self:
        """Return rows created at or after `start` and before `end`."""
        condition = build_id_condition(self.model, start=start, end=end, has_deviation_index=self.has_deviation_index)
        rows = self.filter(condition)
        rows = rows.filter(created_at__gte=start) if start else rows
        return rows.filter(created_at__lt=end) if end else rows

    def fetch_first(self, count: int) -> Self:
        """Return the first `count` rows of this list, to be sorted in another order."""
        found: Any = self.select_related(None).prefetch_related(None).values("pk")[:count]
        rows: Any = self.model._default_manager.all()
        if connection.vendor != "postgresql":
            return cast(Self, rows.filter(pk__in=found))
        from django.contrib.postgres.expressions import ArraySubquery  # needs the driver

        return cast(Self, rows.filter(pk__in_array=ArraySubquery(found)))

    def matching(self, **condition: Any) -> Self:
        """Return rows with a value in a field that has an index of this field and the ID.

        Lists are sorted by ID. If PostgreSQL expects many rows with the value, it reads all rows from the newest on, which
        takes long if all rows with the value are old. So start at the newest row with the value (5 instead of 120 ms of CPU
        for a label whose last use was 500,000 predictions ago).
        """
        ((field, value),) = condition.items()
        common = PARTIAL_INDEX_EXCLUSIONS.get(field)
        if value == common:
            return self.filter(**condition)
        indexed: QuerySet = self.model._default_manager.all()
        rows = self.filter(**condition)
        if common is not None:  # PostgreSQL would use the index without this condition, SQLite would not
            rows, indexed = rows.exclude(**{field: common}), indexed.exclude(**{field: common})
        return rows.filter(pk__lte=Subquery(get_newest(indexed, field, value))) if self.is_limited else rows

    def matching_any(self, field: str, values: Sequence[Any]) -> Self:
        """Return rows with one of several values in such a field. Start at the newest row with any of them."""
        common = PARTIAL_INDEX_EXCLUSIONS.get(field)
        if len(values) == 1:
            return self.matching(**{field: values[0]})
        rows = self.filter(**{f"{field}__in": values})
        if common in values:
            return rows
        indexed: QuerySet = self.model._default_manager.all()
        if common is not None:
            rows, indexed = rows.exclude(**{field: common}), indexed.exclude(**{field: common})
        return rows.up_to_newest_of([get_newest(indexed, field, value) for value in values])

    def up_to_newest_of(self, newest: Sequence[QuerySet]) -> Self:
        """Return the rows up to the newest of several IDs. Each queryset returns one ID or none."""
        if not self.is_limited:
            return self
        if len(newest) == 1:
            return self.filter(pk__lte=Subquery(newest[0]))
        lowest = Value(LOWEST_ID, UUIDField())
        return self.filter(pk__lte=Greatest(*(Coalesce(Subquery(row), lowest) for row in newest)))


def get_newest(rows: QuerySet, field: str, value: Any) -> QuerySet:
    """Return the ID of the newest row with a value, read from the index of the field and the ID.

    With `field = value`, PostgreSQL would know that the first column of the index is constant and might read the rows from
    the newest on instead.
    """
    rows = rows.filter(**{f"{field}__gte": value, f"{field}__lte": value})
    column = rows.model._meta.get_field(field).attname  # `-model_version` would sort by the name of the model
    return rows.order_by(f"-{column}", "-pk").values("pk")[:1]
