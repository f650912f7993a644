"""The results of a batch job as an Excel workbook: the columns of its CSV download, with real numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.http import StreamingHttpResponse
from django.utils.translation import gettext

from accounts.services.audit import Action, AuditObject, record_action
from core.formatting import format_count
from core.streaming import start_stream
from core.workbooks import MAX_COLUMNS, MAX_ROWS, create_sheet, make_cell, write_workbook
from inference.numbers import FLOAT_PATTERN
from inference.preprocessing.csv_rows import DECIMAL_COMMA_PATTERN
from predictions.batch_jobs.results import iterate_results
from predictions.exports.excel import ExportTooLarge
from predictions.exports.stream import EXCEL_TYPE
from predictions.models import BatchJob

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
    if job.done_items > MAX_ROWS:
        raise ExportTooLarge(
            gettext("A sheet has at most %(limit)s rows. Download CSV.") % {"limit": format_count(MAX_ROWS)}
        )
    if job.user_id != reader.pk:
        on = AuditObject("batch job", job.pk)
        record_action(action=Action.EXPORT, actor=reader, on=on, details={"format": "xlsx"})
    parts = _write_sheet(iterate_results(job, format_value=_parse_cell), row_count=job.done_items)
    headers = {"Content-Disposition": f'attachment; filename="results-{job.pk}.xlsx"', "Cache-Control": "private, no-store"}
    return StreamingHttpResponse(start_stream(parts), content_type=EXCEL_TYPE, headers=headers)


def _write_sheet(rows: Iterator[list[Any]], *, row_count: int) -> Iterator[bytes]:
    names = [str(name) for name in next(rows)]
    if len(names) > MAX_COLUMNS:
        raise ExportTooLarge(
            gettext("A sheet has at most %(limit)s columns. Download CSV.") % {"limit": format_count(MAX_COLUMNS)}
        )
    widths = [38 if name == "prediction_id" else max(10, min(len(name) + 3, 40)) for name in names]
    sheet, header = create_sheet("results", names, widths)
    cells = ([make_cell(sheet, str(value) if isinstance(value, UUID) else value) for value in row] for row in rows)
    return write_workbook(sheet, header, cells, row_count=row_count)


def _parse_cell(value: Any) -> Any:
    """Return the value of a cell: a number for a text that is one, and a text for everything that is not."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    is_identifier = IDENTIFIER_PATTERN.fullmatch(text) or sum(map(str.isdigit, text)) > MAX_EXACT_DIGITS
    if is_identifier or not (FLOAT_PATTERN.fullmatch(text) or DECIMAL_COMMA_PATTERN.fullmatch(text)):
        return value
    return float(text.replace(",", "."))
