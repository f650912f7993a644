"""Workbooks that are sent row by row."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zipfile import ZipFile, is_zipfile

import pytest
from openpyxl import load_workbook

from core import workbooks
from core.workbooks import create_sheet, make_cell, make_link_cell, write_workbook

ROWS = 1000
ZIP64_VERSION = 45  # in the header of a member: the version of ZIP that a program must support


class Rows:
    """Rows of a sheet that counts how many were read.

    Args:
        failing_row: before which an error is raised.
    """

    def __init__(self, count: int = ROWS, failing_row: int | None = None) -> None:
        self.count, self.failing_row, self.read_count = count, failing_row, 0
        self.sheet, self.header = create_sheet("rows", ["number", "time", "text", "link"], [10, 20, 40, 40])

    def __iter__(self) -> Iterator[list[Any]]:
        for number in range(self.count):
            if number == self.failing_row:
                raise OSError("The database is gone.")
            self.read_count += 1
            values = (number, datetime(2026, 11, 27, 9, 30), f"=1+{number} \x01 <ü>")
            link = make_link_cell(self.sheet, f"https://example.com/{number}/", is_formula=False)
            yield [*(make_cell(self.sheet, value) for value in values), link]

    def stream(self) -> Iterator[bytes]:
        return write_workbook(self.sheet, self.header, self, row_count=self.count)


def test_a_workbook_is_sent_while_rows_are_read():
    rows = Rows()
    parts = rows.stream()
    content = [next(parts)]
    assert 0 < rows.read_count < ROWS / 2
    content += parts
    assert max(map(len, content)) <= 2 * workbooks.PART_BYTES
    data = b"".join(content)
    sheet = load_workbook(io.BytesIO(data)).active
    assert (sheet.title, sheet.freeze_panes, sheet.auto_filter.ref) == ("rows", "A2", f"A1:D{ROWS + 1}")
    assert [cell.value for cell in sheet[1]] == ["number", "time", "text", "link"]
    number, time, text, link = sheet[ROWS + 1]
    assert (number.value, time.value, time.is_date) == (ROWS - 1, datetime(2026, 11, 27, 9, 30), True)
    assert (text.value, text.data_type) == (f"=1+{ROWS - 1} \ufffd <ü>", "s")
    assert link.hyperlink.target == f"https://example.com/{ROWS - 1}/"
    assert sheet["A1"].font.bold
    assert sheet.column_dimensions["C"].width == 40


def test_an_error_leaves_a_file_that_is_not_an_archive():
    received: list[bytes] = []
    with pytest.raises(OSError, match="gone"):
        received.extend(Rows(failing_row=ROWS - 1).stream())
    assert received
    assert not is_zipfile(io.BytesIO(b"".join(received)))


def test_an_error_of_the_first_rows_is_raised_before_the_first_byte():
    with pytest.raises(OSError, match="gone"):
        next(Rows(failing_row=0).stream())


@pytest.mark.parametrize(("limit", "is_zip64"), [(workbooks.MAX_SMALL_SHEET_BYTES, False), (1000, True)])
def test_only_a_sheet_that_needs_it_has_the_zip64_form(monkeypatch, limit, is_zip64):
    """Excel rejects the others, openpyxl and LibreOffice do not."""
    monkeypatch.setattr(workbooks, "MAX_SMALL_SHEET_BYTES", limit)
    data = b"".join(Rows(count=10).stream())
    with ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
    names = [member.filename for member in members]
    assert names[:4] == ["docProps/app.xml", "docProps/core.xml", "xl/theme/theme1.xml", "xl/worksheets/sheet1.xml"]
    versions = {member.filename: data[member.header_offset + 4] for member in members}
    assert [name for name, version in versions.items() if version >= ZIP64_VERSION] == names[3:4] * is_zip64
    assert load_workbook(io.BytesIO(data)).active.max_row == 11
