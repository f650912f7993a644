"""Write an Excel workbook of one sheet to a response, row by row. Memory use does not depend on the number of rows.

openpyxl writes a sheet to a temporary file, and packs it when all rows are there. Here it writes the rows to the archive
that is being sent.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from datetime import datetime
from itertools import chain
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.packaging.extended import ExtendedProperties
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet._writer import WorksheetWriter
from openpyxl.writer.excel import ExcelWriter
from openpyxl.writer.theme import theme_xml
from openpyxl.xml.constants import ARC_APP, ARC_CORE, ARC_THEME
from openpyxl.xml.functions import tostring

from core.zip_streams import ZipStream

MAX_ROWS = 1_048_576 - 1  # of a sheet, without the header
MAX_COLUMNS = 16_384
MAX_CELL_CHARACTERS = 32_767
MAX_EXACT_INTEGER = 2**53
MAX_LINKS = 10_000  # openpyxl keeps links in memory; a larger sheet has formulas that open the same addresses
DATE_FORMAT = "yyyy-mm-dd hh:mm:ss"
PART_BYTES = 64 * 1024
SHEET_NAME = "xl/worksheets/sheet1.xml"
MAX_SMALL_SHEET_BYTES = 3 * 2**29  # 1.5 GiB of XML by the estimate; without Zip64, `zipfile` writes up to 2 GiB


def create_sheet(title: str, names: Sequence[str], widths: Sequence[float]) -> tuple[Any, list[Any]]:
    """Return the sheet of a new workbook, and its header, which stays visible.

    Args:
        names: of the columns.
        widths: of the columns, in characters.
    """
    sheet = Workbook(write_only=True).create_sheet(title)
    sheet.freeze_panes = "A2"
    for number, width in enumerate(widths, 1):
        sheet.column_dimensions[get_column_letter(number)].width = width
    return sheet, [_make_header_cell(sheet, name) for name in names]


def write_workbook(sheet: Any, header: list[Any], rows: Iterable[list[Any]], *, row_count: int) -> Iterator[bytes]:
    """Yield the file of the workbook of a sheet. The first rows are read before the first bytes are yielded.

    An error while rows are read ends the file without its table of contents, so that no program opens it.

    Args:
        header: the first row, from `create_sheet`.
        rows: the cells of the other rows.
        row_count: how many rows there will probably be. A sheet that will probably have more than 1.5 GiB of XML gets the
            Zip64 form, which Excel cannot open if it is streamed.
    """
    sheet_parts = _write_sheet(sheet, chain([header], rows))
    first = next(sheet_parts)
    is_zip64 = len(first) / first.count(b"<row ") * row_count > MAX_SMALL_SHEET_BYTES
    leading = {  # programs that detect the type of a file read the names of the first three
        ARC_APP: tostring(ExtendedProperties().to_tree()),
        ARC_CORE: tostring(sheet.parent.properties.to_tree()),
        ARC_THEME: theme_xml.encode(),
    }
    with ZipStream() as archive:
        for name, data in leading.items():
            yield from archive.write(name, [data], is_zip64=False)
        yield from archive.write(SHEET_NAME, chain([first], sheet_parts), is_zip64=is_zip64)
        other = _OtherParts()
        ExcelWriter(sheet.parent, other).save()
        for name, data in other.items():
            if name not in leading:
                yield from archive.write(name, [data], is_zip64=False)
        yield from archive.finish()


def _write_sheet(sheet: Any, rows: Iterable[list[Any]]) -> Iterator[bytes]:
    """Yield the XML of the sheet."""
    buffer = _Buffer()
    sheet._writer = _SheetWriter(sheet, buffer)
    sheet._writer.write_top()
    count = 0
    with closing(sheet):
        for row in rows:
            sheet.append(row)
            count += 1
            if buffer.size >= PART_BYTES:
                yield buffer.take()
        sheet.auto_filter.ref = f"A1:{get_column_letter(len(row))}{count}"
    yield buffer.take()


class _SheetWriter(WorksheetWriter):
    def cleanup(self) -> None:
        """Do nothing: there is no temporary file."""


class _Buffer:
    """A file that openpyxl writes to, and whose content can be removed."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.size = 0

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        self.size += len(data)
        return len(data)

    def take(self) -> bytes:
        data = b"".join(self._parts)
        self._parts, self.size = [], 0
        return data


class _OtherParts(dict[str, bytes]):
    """The files of a workbook by name, without the sheet. It has the methods of an archive that openpyxl needs."""

    def writestr(self, name: str, data: bytes | str) -> None:
        self[name] = data if isinstance(data, bytes) else data.encode()

    def write(self, file: object, name: str) -> None:
        """Do nothing: the sheet is in the archive."""

    def namelist(self) -> list[str]:
        return list(self)

    def close(self) -> None:
        """Do nothing: there is no file."""


def make_cell(sheet: Any, value: Any) -> Any:
    """Return the cell of a value. Texts stay texts, even if they look like a formula."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, datetime):
        cell = WriteOnlyCell(sheet, value)
        cell.number_format = DATE_FORMAT
        return cell
    if (
        isinstance(value, int | float)
        and math.isfinite(value)
        and abs(value) <= (MAX_EXACT_INTEGER if isinstance(value, int) else math.inf)
    ):
        return value
    return _make_text_cell(sheet, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def make_link_cell(sheet: Any, url: str, *, is_formula: bool) -> Any:
    """Return a cell that opens a URL.

    Args:
        is_formula: true if the sheet has more than `MAX_LINKS` links.
    """
    if is_formula:
        return f'=HYPERLINK("{url}","{url}")'
    cell = _make_text_cell(sheet, url)
    cell.hyperlink = url
    return cell


def _make_header_cell(sheet: Any, text: str) -> Any:
    cell = _make_text_cell(sheet, text)
    cell.font = Font(bold=True)
    return cell


def _make_text_cell(sheet: Any, text: str) -> Any:
    cell = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("\ufffd", text)[:MAX_CELL_CHARACTERS])
    cell.data_type = "s"
    return cell
