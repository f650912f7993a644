"""Read tables (CSV) row by row, with bounded memory. A row that cannot be read does not stop the others."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from django.utils.translation import gettext

from core.formatting import format_count
from inference.errors import InvalidInput
from inference.preprocessing import detect_delimiter, read_delimiter_line
from inference.signature import TableInput
from predictions.tables.encodings import describe_csv_error, detect_encoding, make_table_error
from predictions.tables.lines import MAX_ROW_CHARACTERS, RowTooLong, TableLines

MAX_COLUMNS = 20_000


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row of a table.

    Args:
        line: the number of its first line, from 1.
        cells: as in the file; empty if the row cannot be read.
        error: why the row cannot be read. The message does not name the line.
    """

    line: int
    cells: list[str]
    error: InvalidInput | None = None


class TableFile:
    """A CSV file with a header (RFC 4180), with commas, semicolons, or tabs.

    A file without a byte order mark is read as UTF-8 unless its first character outside ASCII is not valid UTF-8. Then it
    is read as Windows-1252.

    Args:
        file: opened for reading bytes. The table is read from it as the rows are iterated. It is not closed.
        table: the features of the model, which help to detect the delimiter.
        has_added_header: whether the header was added to the file of a user, so that it has no line number of its own.

    Attributes:
        columns: the names in the header.

    Raises:
        InvalidInput: the file is not a table, or has no header.
    """

    def __init__(
        self,
        file: IO[bytes],
        table: TableInput,
        *,
        encoding: str = "",
        delimiter: str = "",
        has_added_header: bool = False,
    ) -> None:
        self.encoding = encoding or detect_encoding(file)
        file.seek(0)
        self._lines = TableLines(file, encoding=self.encoding, first_number=0 if has_added_header else 1)
        first_line = self._lines.peek()
        if "\0" in first_line or (not first_line.isprintable() and _has_control_characters(first_line)):
            raise make_table_error(gettext("The file is not a CSV file: its first line contains control characters."))
        if declared := read_delimiter_line(first_line):
            next(self._lines)
        self.delimiter = delimiter or declared or detect_delimiter(first_line, table)
        self._reader = csv.reader(self._lines, delimiter=self.delimiter, strict=True)
        header = self._read_row()
        if header is not None and header.error:
            raise make_table_error(
                gettext("Line %(line)s: %(problem)s") % {"line": header.line, "problem": header.error.message}
            )
        self.columns = [name.strip() for name in header.cells] if header else []
        if not any(self.columns):
            raise make_table_error(
                gettext("The file is empty. Expected a header with the feature names and one line per row.")
            )
        if len(self.columns) > MAX_COLUMNS:
            raise make_table_error(
                gettext("The header has %(count)s columns. The limit is %(limit)s.")
                % {"count": format_count(len(self.columns)), "limit": format_count(MAX_COLUMNS)}
            )

    def __iter__(self) -> Iterator[TableRow]:
        """Yield the rows after the header. Empty lines are skipped.

        Raises:
            InvalidInput: quotation marks make too many rows invalid, so that reading all would take very long.
        """
        while (row := self._read_row()) is not None:
            if row.error is None and len(row.cells) != len(self.columns):
                expected = gettext("Expected %(count)s values, as in the header. Received: %(received)s.") % {
                    "count": len(self.columns),
                    "received": len(row.cells),
                }
                yield TableRow(row.line, row.cells, make_table_error(expected, code="wrong-count"))
            else:
                yield row

    def _read_row(self) -> TableRow | None:
        """Return the next row that is not empty, or None at the end of the file.

        If a row is not valid CSV, the next one starts at its second line. So an unclosed quotation mark costs one row.
        """
        while True:
            self._lines.start_row()
            try:
                cells = next(self._reader)
            except StopIteration:
                return None
            except csv.Error as error:
                return self._reject_row(describe_csv_error(error))
            except RowTooLong:
                return self._reject_row(
                    gettext("The row is longer than %(limit)s characters, or a quotation mark is not closed.")
                    % {"limit": format_count(MAX_ROW_CHARACTERS)}
                )
            if not cells:
                continue
            if message := self._lines.find_invalid_text():
                return TableRow(self._lines.first_number, cells, make_table_error(message, code="invalid-text"))
            return TableRow(self._lines.first_number, cells)

    def _reject_row(self, message: str) -> TableRow:
        """Return a row with an error. Its other lines are read again as rows."""
        self._lines.put_back_row()
        return TableRow(self._lines.first_number, [], make_table_error(message))


def _has_control_characters(line: str) -> bool:
    return any(character < " " and character not in "\t\r\n" for character in line)
