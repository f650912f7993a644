"""Write entries of the audit log as CSV. Memory use does not depend on their number."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from core.csv_cells import escape_formula
from core.database_limits import use_job_limits

COLUMNS = (
    "created_at", "action", "actor_id", "actor__username", "address", "object_type", "object_id", "object_name", "details",
)  # fmt: skip
NAMES = {"created_at": "time", "actor__username": "actor"}
ROWS_PER_FETCH = 1000


class _Line:
    """A file that returns each line instead of storing it."""

    def write(self, text: str) -> str:
        return text


def write_csv(entries: QuerySet) -> Iterator[str]:
    """Yield a header and one line per entry, newest first, some entries per query."""
    writer = csv.writer(_Line())
    rows = entries.order_by("-pk").values_list("pk", *COLUMNS)
    with use_job_limits():
        chunk = list(rows[:ROWS_PER_FETCH])
        yield writer.writerow([NAMES.get(name, name) for name in COLUMNS])
        while chunk:
            yield "".join(writer.writerow([_format_cell(value) for value in row[1:]]) for row in chunk)
            chunk = list(rows.filter(pk__lt=chunk[-1][0])[:ROWS_PER_FETCH])


def _format_cell(value: Any) -> Any:
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return escape_formula(value) if isinstance(value, str) else value
