"""Read the lines of a table, and put lines back that belong to other rows."""

from __future__ import annotations

import codecs
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from io import TextIOWrapper
from typing import IO

from django.utils.translation import gettext

from predictions.tables.encodings import make_table_error

MAX_ROW_CHARACTERS = 2**20  # including the line breaks of quoted cells
# Characters that are read again after rows that are not valid CSV. Real files need less than their own length.
REPEATED_CHARACTERS_ALLOWANCE, MAX_REPEATED_SHARE = 16 * 2**20, 2
UNDECODABLE_CHARACTER = "\udc80"  # stands for bytes that the encoding does not define; valid text never contains it


def _mark_undecodable(error: UnicodeError) -> tuple[str, int]:
    if isinstance(error, UnicodeDecodeError):
        return UNDECODABLE_CHARACTER, error.end
    raise error


codecs.register_error("mlsite.mark", _mark_undecodable)


def replace_undecodable(text: str) -> str:
    """Return a text that can be encoded: with the replacement character for bytes that could not be decoded."""
    return text if text.isascii() else text.replace(UNDECODABLE_CHARACTER, "\N{REPLACEMENT CHARACTER}")


class RowTooLong(Exception):
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


class TableLines:
    """The lines of a file, as `csv.reader` reads them. Lines can be put back, so that a bad row does not consume others.

    Args:
        file: opened for reading bytes. It is not closed.
    """

    def __init__(self, file: IO[bytes], *, encoding: str, first_number: int) -> None:
        self._file = _SharedText(file, encoding, "mlsite.mark", newline="")
        self._number = first_number - 1
        self._waiting: deque[_Line] = deque()
        self._taken: list[_Line] = []
        self._characters = 0
        self._read_characters = self._repeated_characters = 0

    def __iter__(self) -> TableLines:
        return self

    def __next__(self) -> str:
        line = self._waiting.popleft() if self._waiting else self._read_line()
        if line is None:
            raise StopIteration
        self._taken.append(line)
        self._characters += len(line.text)
        if not line.is_complete or self._characters > MAX_ROW_CHARACTERS:
            raise RowTooLong
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

    def put_back_row(self) -> None:
        """Put all lines of the current row back except the first.

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
