"""Stream predictions as CSV, JSON Lines, or an Excel workbook. Memory use does not depend on their number.

The export reads the columns that it needs instead of model instances, which takes 45 instead of 190 µs of CPU time per row:
see benchmarks/export.py.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.http import StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone

from accounts.permissions import can_view_all
from accounts.services.audit import Action, AuditObject, record_action
from core.csv_cells import escape_formula
from core.database_limits import use_job_limits
from core.streaming import start_stream
from inference.signature import TEXT_KEY
from predictions.exports.columns import select_values
from predictions.exports.reviews import NO_REVIEW, ExportedReview, fetch_reviews, fetch_tags, join_tags
from predictions.exports.versions import ExportedVersion, get_exported_version
from predictions.id_ranges import LOWEST_ID
from predictions.models import Input, Prediction
from predictions.querysets import PredictionQuerySet
from predictions.sorting import DEFAULT_SORT, sort_rows, start_after

ROWS_PER_FETCH = 1000
CHUNK_CHARACTERS = 64 * 1024  # each chunk is one write to the socket
FIELDS = (
    "id", "created_at", "model_version_id", "status", "source", "label", "confidence", "value", "output", "error_code",
    "client_reference", "warnings", "input__kind", "input__original_name", "input__sha256", "input__features",
)  # fmt: skip
COLUMNS = (
    "id", "created_at", "model", "model_version", "status", "source", "user", "kind", "original_name", "sha256", "features",
    "label", "confidence", "value", "output", "error_code", "client_reference", "verdict", "true_label", "true_value",
    "picked_by", "reviews", "labels", "true_labels", "text", "warnings", "tags",
)  # fmt: skip
# The others are numbers and texts of a known form, which are CSV cells already.
FORMATTED_COLUMNS = (
    "user", "original_name", "features", "label", "output", "client_reference", "true_label", "labels", "true_labels",
    "text", "warnings", "tags",
)  # fmt: skip
USER_FIELD = "user__username"  # only for users who can view all predictions
StoredRow = Any
"""The values of `FIELDS`, and of `USER_FIELD` for users who can view all, of one prediction by name."""
ExportRow = dict[str, Any]
"""The values of one prediction by column, in the order of `COLUMNS`."""


def stream_export(
    predictions: PredictionQuerySet,
    *,
    reader: AbstractBaseUser | AnonymousUser,
    format_name: str,
    name: str = "predictions",
    site_url: str = "",
    sort: str = DEFAULT_SORT,
    columns: Sequence[str] = (),
) -> StreamingHttpResponse:
    """Return a streaming download of predictions, and record it in the audit log.

    Args:
        reader: the user who downloads; only users who can view all predictions get the names of users.
        format_name: a name of `FORMAT_NAMES`.
        name: the name of the file without its extension.
        site_url: the URL of the site, for links.
        sort: a key of `SORTS`. As in the history, only predictions with a confidence are sorted by it.
        columns: some columns, see `columns.list_shown_columns`. If empty, all data.

    Raises:
        ExportTooLarge: a workbook cannot have as many rows.
    """
    record_action(action=Action.EXPORT, actor=reader, on=AuditObject("predictions"), details={"format": format_name})
    rows, url = iterate_rows(predictions, reader, sort), f"{site_url}{reverse('predictions:history')}"
    content: Iterator[Any]
    if format_name == EXCEL:
        from predictions.exports.excel import measure_sheet, stream_sheet  # openpyxl takes long to import

        newest = Prediction.objects.order_by("-id").values_list("id", flat=True).first()
        predictions = predictions.filter(pk__lte=newest or LOWEST_ID)  # the columns are not those of later predictions
        rows, size = iterate_rows(predictions, reader, sort), measure_sheet(sort_rows(predictions, sort), columns)
        content = stream_sheet(rows, size, zone=timezone.get_current_timezone(), url=url)
        content_type = EXCEL_TYPE
    else:
        export_format = EXPORT_FORMATS[format_name]
        if columns:
            rows = (select_values(row, columns, url=url) for row in rows)
        lines = export_format.write(rows, columns or COLUMNS)
        content, content_type = join_lines(lines), f"{export_format.content_type}; charset=utf-8"
    headers = {
        "Content-Disposition": f'attachment; filename="{name}.{format_name}"',
        "Cache-Control": "private, no-store",
    }
    return StreamingHttpResponse(start_stream(content), content_type=content_type, headers=headers)


def iterate_rows(
    predictions: PredictionQuerySet, reader: AbstractBaseUser | AnonymousUser, sort: str = DEFAULT_SORT
) -> Iterator[ExportRow]:
    """Yield one row per prediction, in an order."""
    fields = (*FIELDS, USER_FIELD) if can_view_all(reader) else FIELDS
    rows: Any = sort_rows(predictions, sort).prefetch_related(None).values_list(*fields, named=True)
    with use_job_limits():  # a filter that few predictions match takes long
        for chunk in read_row_chunks(rows, sort):
            reviews = fetch_reviews([row.id for row in chunk])
            tags = fetch_tags([row.id for row in chunk])
            for row in chunk:
                version = get_exported_version(row.model_version_id)
                yield build_row(row, version, reviews.get(row.id, NO_REVIEW), tags.get(row.id))


def read_row_chunks(rows: PredictionQuerySet, sort: str) -> Iterator[list[Any]]:
    """Yield lists of sorted rows, each from its own query.

    With a cursor over all rows, PostgreSQL plans for the last row instead of the first: it joined and sorted 1,000,000 rows
    for 6 seconds before it returned one.
    """
    chunk: list[Any] = list(rows[:ROWS_PER_FETCH])
    while chunk:
        yield chunk
        is_last, last = len(chunk) < ROWS_PER_FETCH, chunk[-1]
        chunk = [] if is_last else list(start_after(rows, sort, last.id, last.confidence)[:ROWS_PER_FETCH])


def build_row(row: StoredRow, version: ExportedVersion, review: ExportedReview, tags: list[str] | None = None) -> ExportRow:
    """Return the values of all columns.

    `verdict`, `true_label`, `true_value`, `true_labels` and `picked_by` are those of the newest active review; `reviews` is
    the number of active reviews.
    """
    stored, is_text = row.input__features or {}, row.input__kind == Input.Kind.TEXT
    features = {} if is_text else {name: stored[name] for name in version.features if name in stored}
    return {
        "id": str(row.id),
        "created_at": row.created_at.isoformat(),
        "model": version.model,
        "model_version": version.number,
        "status": row.status,
        "source": row.source,
        "user": getattr(row, USER_FIELD, None),
        "kind": row.input__kind,
        "original_name": row.input__original_name,
        "sha256": row.input__sha256,
        "features": features or None,
        "label": row.label or None,
        "confidence": row.confidence,
        "value": row.value,
        "output": row.output,
        "error_code": row.error_code or None,
        "client_reference": row.client_reference,
        "verdict": review.verdict,
        "true_label": review.true_label or None,
        "true_value": review.true_value,
        "picked_by": review.picked_by,
        "reviews": review.active_count,
        "labels": row.output and row.output.get("labels"),
        "true_labels": review.true_labels,
        "text": stored.get(TEXT_KEY) if is_text else None,
        "warnings": row.warnings or None,
        "tags": tags or None,
    }


def write_jsonl(rows: Iterable[ExportRow], _columns: Sequence[str]) -> Iterator[str]:
    """Yield each row as a line of JSON."""
    for row in rows:
        yield _dump_json(row) + "\n"


def write_csv(rows: Iterable[ExportRow], columns: Sequence[str]) -> Iterator[str]:
    """Yield a header and each row as a line of CSV (RFC 4180)."""
    writer = csv.writer(LineBuffer())
    yield writer.writerow(columns)
    formatted = FORMATTED_COLUMNS if columns == COLUMNS else columns
    for row in rows:
        if "tags" in row:
            row["tags"] = join_tags(row["tags"])
        for name in formatted:
            row[name] = format_cell(row[name])
        yield writer.writerow(row.values())


def format_cell(value: Any) -> Any:
    """Return a value as a CSV cell.

    Objects and lists become JSON. Text that a spreadsheet would run as a formula is prefixed with `'`.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return escape_formula(value)
    return _dump_json(value) if isinstance(value, dict | list) else value


_dump_json = json.JSONEncoder(ensure_ascii=False, check_circular=False).encode  # `json.dumps` creates an encoder per call


def join_lines(lines: Iterable[str]) -> Iterator[str]:
    """Yield lines together, at least `CHUNK_CHARACTERS` at a time."""
    waiting: list[str] = []
    size = 0
    for line in lines:
        waiting.append(line)
        size += len(line)
        if size >= CHUNK_CHARACTERS:
            yield "".join(waiting)
            waiting, size = [], 0
    if waiting:
        yield "".join(waiting)


class LineBuffer:
    """A file object whose `write` returns the line, so that `csv.writer.writerow` returns it too."""

    def write(self, line: str) -> str:
        return line


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """A file format of the export."""

    content_type: str
    write: Callable[[Iterable[ExportRow], Sequence[str]], Iterator[str]]


EXPORT_FORMATS = {
    "csv": ExportFormat("text/csv", write_csv),
    "jsonl": ExportFormat("application/jsonl", write_jsonl),
}
EXCEL = "xlsx"
EXCEL_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORMAT_NAMES = (*EXPORT_FORMATS, EXCEL)
CONTENT_TYPES = (*(export_format.content_type for export_format in EXPORT_FORMATS.values()), EXCEL_TYPE)
