"""The results of a batch job as an Excel workbook: the columns of its CSV download, with real numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from tempfile import TemporaryFile
from typing import IO, Any
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.http import StreamingHttpResponse
from openpyxl import Workbook
from openpyxl.utils import get_column_letter

from accounts.services.audit import Action, AuditObject, record_action
from inference.numbers import FLOAT_PATTERN
from inference.preprocessing.csv_rows import DECIMAL_COMMA_PATTERN
from predictions.batch_jobs.results import iterate_results
from predictions.exports.excel import MAX_COLUMNS, ExportTooLarge, make_cell, make_header_cell, read_chunks
from predictions.exports.stream import EXCEL_TYPE
from predictions.models import BatchJob

MAX_WORKBOOK_ROWS = 100_000  # a workbook is complete before its download starts
MAX_EXACT_DIGITS = 15  # of a number in a sheet
IDENTIFIER_PATTERN = re.compile(r"[+-]?0\d+")  # leading zeros, as in postal codes


def stream_workbook(job: BatchJob, *, reader: AbstractBaseUser | AnonymousUser) -> StreamingHttpResponse:
    """Return a download of the items that are stored, in the order of the file.

    Args:
        reader: the user who downloads. If they are not the owner of the job, the audit log records it.

    Raises:
        ExportTooLarge: the job has too many items or columns.
        InvalidInput, OSError: the table of the job cannot be read.
    """
    if job.done_items > MAX_WORKBOOK_ROWS:
        raise ExportTooLarge(f"A workbook has at most {MAX_WORKBOOK_ROWS:,} rows. Download CSV.")
    if job.user_id != reader.pk:
        on = AuditObject("batch job", job.pk)
        record_action(action=Action.EXPORT, actor=reader, on=on, details={"format": "xlsx"})
    file = _write_workbook(iterate_results(job, format_value=_parse_cell))
    headers = {"Content-Disposition": f'attachment; filename="results-{job.pk}.xlsx"', "Cache-Control": "private, no-store"}
    return StreamingHttpResponse(read_chunks(file), content_type=EXCEL_TYPE, headers=headers)


def _write_workbook(rows: Iterator[list[Any]]) -> IO[bytes]:
    header = next(rows)
    if len(header) > MAX_COLUMNS:
        raise ExportTooLarge(f"A sheet has at most {MAX_COLUMNS:,} columns. Download CSV.")
    book = Workbook(write_only=True)
    sheet = book.create_sheet("results")
    sheet.freeze_panes = "A2"
    for number, name in enumerate(header, 1):
        width = 38 if name == "prediction_id" else max(10, min(len(str(name)) + 3, 40))
        sheet.column_dimensions[get_column_letter(number)].width = width
    with closing(sheet):  # also after an error, or else openpyxl would write to a file that is gone
        sheet.append([make_header_cell(sheet, str(name)) for name in header])
        count = 1
        for row in rows:
            sheet.append([make_cell(sheet, str(value) if isinstance(value, UUID) else value) for value in row])
            count += 1
        sheet.auto_filter.ref = f"A1:{get_column_letter(len(header))}{count}"
    file = TemporaryFile()  # noqa: SIM115  the response closes it
    book.save(file)
    file.seek(0)
    return file


def _parse_cell(value: Any) -> Any:
    """Return the value of a cell: a number for a text that is one, and a text for everything that is not."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    is_identifier = IDENTIFIER_PATTERN.fullmatch(text) or sum(map(str.isdigit, text)) > MAX_EXACT_DIGITS
    if is_identifier or not (FLOAT_PATTERN.fullmatch(text) or DECIMAL_COMMA_PATTERN.fullmatch(text)):
        return value
    return float(text.replace(",", "."))
