"""SQL for lists of labels in JSON columns, of multi-label predictions and their reviews."""

from __future__ import annotations

from typing import Any

from django.db.models import Func, TextField


class SortedLabels(Func):
    """A list of labels as text in alphabetical order: equal sets have equal texts, whatever the order of the version."""

    arity = 1
    output_field = TextField()
    template = (
        "(SELECT COALESCE(JSONB_AGG(value ORDER BY value), '[]')::text "
        "FROM JSONB_ARRAY_ELEMENTS_TEXT(%(expressions)s) AS item(value))"
    )

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = (
            "(SELECT JSON_GROUP_ARRAY(value) FROM (SELECT value FROM JSON_EACH(%(expressions)s) ORDER BY value) AS item)"
        )
        return self.as_sql(compiler, connection, template=template, **context)
