"""Read tables (CSV) row by row, with bounded memory. A row that cannot be read does not stop the others."""

from __future__ import annotations

import codecs
import csv
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from io import TextIOWrapper
from typing import IO

from django.utils.translation import gettext

from core.formatting import format_count
from inference.errors import InvalidInput
from inference.preprocessing import detect_delimiter
from inference.signature import TableInput
from predictions.table_encodings import describe_csv_error, detect_encoding, make_table_error

MAX_ROW_CHARACTERS = 2**20  # including the line breaks of quoted cells
MAX_COLUMNS = 20_000
# Characters that are read again after rows that are not valid CSV. Real files need less than their own length.
REPEATED_CHARACTERS_ALLOWANCE, MAX_REPEATED_SHARE = 16 * 2**20, 2
UNDECODABLE_CHARACTER = "\udc80"  # stands for bytes that the encoding does not define; valid text never contains it


def _mark_undecodable(error: UnicodeError) -> tuple[str, int]:
    if isinstance(error, UnicodeDecodeError):
        return UNDECODABLE_CHARACTER, error.end
    raise error


codecs.register_error("mlsite.mark", _mark_undecodable)


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
        text = _SharedText(file, self.encoding, "mlsite.mark", newline="")
        self._lines = _Lines(text, first_number=0 if has_added_header else 1)
        first_line = self._lines.peek()
        if "\0" in first_line or (not first_line.isprintable() and _has_control_characters(first_line)):
            raise make_table_error(gettext("The file is not a CSV file: its first line contains control characters."))
        self.delimiter = delimiter or detect_delimiter(first_line, table)
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
                return self._lines.reject_row(describe_csv_error(error))
            except _RowTooLong:
                return self._lines.reject_row(
                    gettext("The row is longer than %(limit)s characters, or a quotation mark is not closed.")
                    % {"limit": format_count(MAX_ROW_CHARACTERS)}
                )
            if not cells:
                continue
            if message := self._lines.find_invalid_text():
                return TableRow(self._lines.first_number, cells, make_table_error(message, code="invalid-text"))
            return TableRow(self._lines.first_number, cells)


def replace_undecodable(text: str) -> str:
    """Return a text that can be encoded: with the replacement character for bytes that could not be decoded."""
    return text if text.isascii() else text.replace(UNDECODABLE_CHARACTER, "\N{REPLACEMENT CHARACTER}")


def _has_control_characters(line: str) -> bool:
    return any(character < " " and character not in "\t\r\n" for character in line)


class _RowTooLong(Exception):
    """A row exceeds `MAX_ROW_CHARACTERS`."""


class _SharedText(TextIOWrapper):
    """A text file that does not close the file of bytes, also when it is deleted."""

    def close(self) -> None:
        with suppress(ValueError):  # it is detached already
            self.detach()


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    text: str
    is_complete: bool


class _Lines:
    """The lines of a file, as `csv.reader` reads them. Lines can be put back, so that a bad row does not consume others."""

    def __init__(self, file: TextIOWrapper, *, first_number: int) -> None:
        self._file = file
        self._number = first_number - 1
        self._waiting: deque[_Line] = deque()
        self._taken: list[_Line] = []
        self._characters = 0
        self._read_characters = self._repeated_characters = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._waiting.popleft() if self._waiting else self._read_line()
        if line is None:
            raise StopIteration
        self._taken.append(line)
        self._characters += len(line.text)
        if not line.is_complete or self._characters > MAX_ROW_CHARACTERS:
            raise _RowTooLong
        return line.text

    @property
    def first_number(self) -> int:
        """Return the number of the first line of the current row."""
        return self._taken[0].number

    def peek(self) -> str:
        """Return the next line without taking it; empty at the end of the file."""
        line = self._read_line()
        if line is None:
            return ""
        self._waiting.append(line)
        return line.text

    def start_row(self) -> None:
        self._taken, self._characters = [], 0

    def reject_row(self, message: str) -> TableRow:
        """Put all lines of the current row back except the first, and return the row with an error.

        Raises:
            InvalidInput: too much was put back. Otherwise, a hostile file of 16 MB could take days.
        """
        self._repeated_characters += self._characters
        allowance = REPEATED_CHARACTERS_ALLOWANCE + MAX_REPEATED_SHARE * self._read_characters
        if self._repeated_characters > allowance:
            raise make_table_error(
                gettext(
                    "Line %(line)s: Too many rows up to here have a quotation mark that is not closed. "
                    "Check the quotation marks of the table."
                )
                % {"line": self.first_number}
            )
        self._waiting.extendleft(reversed(self._taken[1:]))
        return TableRow(self.first_number, [], make_table_error(message))

    def find_invalid_text(self) -> str:
        """Return why the text of the current row is invalid; empty if it is valid."""
        for line in self._taken:
            if not line.text.isascii() and UNDECODABLE_CHARACTER in line.text:
                return gettext("The row contains bytes that are not valid %(encoding)s text.") % {
                    "encoding": self._file.encoding.upper()
                }
            if "\0" in line.text:
                return gettext("The row contains a NUL character.")
        return ""

    def _read_line(self) -> _Line | None:
        text = self._file.readline(MAX_ROW_CHARACTERS)
        if not text:
            return None
        self._number += 1
        self._read_characters += len(text)
        is_complete = len(text) < MAX_ROW_CHARACTERS or text.endswith(("\n", "\r"))
        if not is_complete:
            while (rest := self._file.readline(MAX_ROW_CHARACTERS)) and not rest.endswith(("\n", "\r")):
                pass
            text = ""
        return _Line(self._number, text, is_complete)
