"""Stream the results of a batch job as CSV: the columns of its table or the names of its images, and the predictions."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.http import StreamingHttpResponse

from accounts.services.audit import Action, AuditObject, record_action
from core.streaming import start_stream
from inference.numbers import FLOAT_PATTERN
from inference.preprocessing.csv_rows import DECIMAL_COMMA_PATTERN
from inference.signature import AnyOutput, LabelsOutput, RawOutput
from predictions.batch_jobs.files import open_table
from predictions.exports.stream import LineBuffer, format_cell, join_lines
from predictions.models import BatchJob, BatchJobItem
from predictions.tables.lines import replace_undecodable

ROWS_PER_FETCH = 1000
NAME_COLUMN = "file"
ROW_COLUMN = "row"  # such as `Line 2`, if the table was removed
COLLISION_PREFIX = "result_"  # of a result column whose name the table has already
FIELDS = (
    "number", "name", "error_code", "error_message", "prediction_id", "prediction__label", "prediction__confidence",
    "prediction__value", "prediction__output", "prediction__error_message",
)  # fmt: skip


def stream_results(job: BatchJob, *, reader: AbstractBaseUser | AnonymousUser) -> StreamingHttpResponse:
    """Return a streaming download of the items that are stored, in the order of the file.

    Args:
        reader: the user who downloads. If they are not the owner of the job, the audit log records it.

    Raises:
        InvalidInput, OSError: the table of the job cannot be read.
    """
    if job.user_id != reader.pk:
        on = AuditObject("batch job", job.pk)
        record_action(action=Action.EXPORT, actor=reader, on=on, details={"format": "csv"})
    rows = iterate_results(job)
    header = next(rows)  # opens the file, so that an error is raised before the response starts
    return StreamingHttpResponse(
        start_stream(join_lines(_write_lines(header, rows))),
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="results-{job.pk}.csv"',
            "Cache-Control": "private, no-store",
        },
    )


def iterate_results(job: BatchJob, *, format_value: Callable[[Any], Any] = format_cell) -> Iterator[list[Any]]:
    """Yield the header, and one row per item. Memory use does not depend on their number.

    If a retention policy has removed the table, the first column contains the lines of the rows.

    Args:
        format_value: returns the cell of a value, such as a text that a spreadsheet could run as a formula.
    """
    output = job.model_version.parsed_signature.output
    result_columns = _list_result_columns(output)
    if job.kind != BatchJob.Kind.TABLE or not job.file:
        yield [ROW_COLUMN if job.kind == BatchJob.Kind.TABLE else NAME_COLUMN, *result_columns]
        for item in _iterate_items(job):
            yield [format_value(item.name), *_build_cells(item, output, format_value)]
        return
    with open_table(job) as table:
        own = [_choose_column(name, taken=set(table.columns)) for name in result_columns]
        yield [*(_format_input_cell(name, format_value) for name in table.columns), *own]
        rows = enumerate(table, 1)
        for item in _iterate_items(job):
            cells = next((row.cells for number, row in rows if number == item.number), [])
            padded = [*cells, *[""] * len(table.columns)][: len(table.columns)]
            inputs = (_format_input_cell(text, format_value) for text in padded)
            yield [*inputs, *_build_cells(item, output, format_value)]


def _list_result_columns(output: AnyOutput) -> list[str]:
    labels = ["labels"] if isinstance(output, LabelsOutput) else []
    raw = ["output"] if isinstance(output, RawOutput) else []
    return ["label", *labels, "confidence", "value", *raw, "error", "prediction_id"]


def _choose_column(name: str, *, taken: set[str]) -> str:
    """Return a name that no column of the table has."""
    while name in taken:
        name = f"{COLLISION_PREFIX}{name}"
    return name


def _build_cells(item: Any, output: AnyOutput, format_value: Callable[[Any], Any]) -> list[Any]:
    stored = item.prediction__output or {}
    labels = [format_value(stored.get("labels"))] if isinstance(output, LabelsOutput) else []
    raw = [format_value(item.prediction__output)] if isinstance(output, RawOutput) else []
    error = item.error_message or item.prediction__error_message
    return [
        format_value(item.prediction__label), *labels, item.prediction__confidence, item.prediction__value, *raw,
        format_value(error), item.prediction_id,
    ]  # fmt: skip


def _iterate_items(job: BatchJob) -> Iterator[Any]:
    """Yield the items in the order of their numbers, with few queries that are short."""
    items = BatchJobItem.objects.filter(job=job).order_by("number").values_list(*FIELDS, named=True)
    chunk = list(items[:ROWS_PER_FETCH])
    while chunk:
        yield from chunk
        chunk = list(items.filter(number__gt=chunk[-1].number)[:ROWS_PER_FETCH])


def _format_input_cell(text: str, format_value: Callable[[Any], Any]) -> Any:
    """Return a cell as it was, with a prefix if a spreadsheet would run it as a formula. Numbers are not formulas."""
    text = replace_undecodable(text)
    if format_value is format_cell and (FLOAT_PATTERN.fullmatch(text) or DECIMAL_COMMA_PATTERN.fullmatch(text)):
        return text
    return format_value(text)


def _write_lines(header: Sequence[Any], rows: Iterator[list[Any]]) -> Iterator[str]:
    writer = csv.writer(LineBuffer())
    yield writer.writerow(header)
    for row in rows:
        yield writer.writerow(row)
