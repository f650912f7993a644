"""Read rows of features from CSV, in the variants that spreadsheets and data libraries write.

Cells are separated by commas, semicolons, or tabs. If they are not separated by commas, numbers can have a decimal comma.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TextIO

from inference.errors import InvalidInput
from inference.messages import find_closest, format_names
from inference.numbers import FLOAT_PATTERN
from inference.signature import Feature, TableInput
from inference.signature.feature import NUMBER_TYPES

DELIMITERS = "\t;,"
MISSING_TEXTS = {"", "na", "n/a", "#n/a", "#na", "<na>", "nan", "-nan", "null", "none"}
"""What pandas, R, Excel, and databases write for a missing value, in lower case."""
DECIMAL_COMMA_PATTERN = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?", re.ASCII)
DELIMITER_LINE_PATTERN = re.compile(rf'\ufeff?"?sep=([{DELIMITERS}])"?[\r\n]*')  # above the header, for Excel
QUOTED_PATTERN = re.compile(r'"[^"]*"')
AMBIGUOUS_PATTERN = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}", re.ASCII)  # 1,234: a decimal comma, or a thousands separator


class CsvReader:
    """The rows of a CSV file with a header, as strings that `parse_strings` converts.

    Args:
        file: opened with `newline=""`, at its start. It is read line by line while the rows are iterated.
        extra_names: columns to keep although they are not features.

    Attributes:
        unused: the columns that the model does not use. They are ignored.

    Raises:
        InvalidInput: the file has no header, or the header lacks a column that the model requires.
    """

    def __init__(self, file: TextIO, table: TableInput, extra_names: Iterable[str] = ()) -> None:
        first_line = file.readline()
        if "\0" in first_line:
            raise _make_error("The file is in UTF-16. Save it as UTF-8 (in Excel: CSV UTF-8).")
        declared = read_delimiter_line(first_line)
        delimiter = declared or detect_delimiter(first_line, table)
        self._skipped_lines = 1 if declared else 0
        if not declared:
            file.seek(0)
        self._reader = csv.reader(file, delimiter=delimiter, strict=True)
        self._names = [name.strip() for name in next(self._reader, [])]
        if not any(self._names):
            raise _make_error("No rows. Expected a header with the feature names and one line per row.")
        _check_header(self._names, table)
        extra = set(extra_names)
        self.unused = [name for name in find_unused_names(self._names, table) if name not in extra]
        self._cells = CellConverter(table, self._names, delimiter)

    def __iter__(self) -> Iterator[tuple[int, dict[str, str] | InvalidInput]]:
        """Yield the number of the last line of each row, with its used values by name, or why it is invalid."""
        unused = set(self.unused)
        for cells in self._reader:
            if not cells:
                continue
            line = self._skipped_lines + self._reader.line_num
            try:
                row = self._cells.convert(cells)
            except InvalidInput as error:
                yield line, error
            else:
                yield line, {name: text for name, text in row.items() if name not in unused}


def parse_csv_line(text: str, table: TableInput) -> dict[str, str]:
    """Return the cells of a CSV row by feature name, with decimal points, and empty if the value is missing.

    The text is one line of values in the signature's order, or a header and one line. Columns that the model does not use
    are included.

    Raises:
        InvalidInput: the text is not valid CSV, or the number of values differs from the number of names.
    """
    text = text.strip("\ufeff\r\n")
    delimiter = detect_delimiter(text, table)
    rows = _parse_lines(text, delimiter)
    if len(rows) not in (1, 2) or (len(rows) == 2 and set(table.names).isdisjoint(rows[0])):
        raise _make_error(f"Expected one line of values, or a header and one line. Received: {len(rows)} lines.")
    names = rows[0] if len(rows) == 2 else table.names
    _check_duplicates(names, table)
    return CellConverter(table, names, delimiter).convert(rows[-1])


def find_unused_names(names: Iterable[str], table: TableInput) -> list[str]:
    """Return the columns of a header that the model does not use."""
    known = set(table.names)
    return [name for name in dict.fromkeys(names) if name not in known]


def read_delimiter_line(line: str) -> str:
    """Return the delimiter that a line such as `sep=;` declares; empty for other lines."""
    found = DELIMITER_LINE_PATTERN.fullmatch(line)
    return found[1] if found else ""


def detect_delimiter(text: str, table: TableInput) -> str:
    """Return the delimiter of a header or a line of values.

    It is the one that yields the most feature names or, if there are none, as many values as the model has features, or
    the most values.
    """
    known = set(table.names)
    lines = text.splitlines(keepends=True)
    candidates = [mark for mark in DELIMITERS if mark in QUOTED_PATTERN.sub("", text)]

    def count_matches(mark: str) -> tuple[int, bool, int]:
        try:
            cells = [cell.strip() for cell in next(csv.reader(lines, delimiter=mark), [])]
        except csv.Error:  # a value is too long, which is reported when the rows are read
            return 0, False, 0
        return len(known.intersection(cells)), len(cells) == len(known), len(cells)

    return max(candidates, key=count_matches, default=",")


def _parse_lines(text: str, delimiter: str) -> list[list[str]]:
    lines = [line for line in text.splitlines(keepends=True) if line.strip()]
    try:
        return [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=delimiter, strict=True)]
    except csv.Error as error:
        raise _make_error(f"The line is not valid CSV: {error}.") from error


def _check_header(names: Sequence[str], table: TableInput) -> None:
    _check_duplicates(names, table)
    missing = [feature.name for feature in table.features if feature.required and feature.name not in set(names)]
    if not missing:
        return
    if all(FLOAT_PATTERN.fullmatch(name) for name in names):
        raise _make_error(f"Expected a header with the feature names in the first line: {format_names(table.names)}.")
    closest = find_closest(missing[0], find_unused_names(names, table))
    hint = f" Rename {closest!r:.100} to {missing[0]!r}." if closest else ""
    raise _make_error(f"Missing columns: {format_names(missing)}. The file has {format_names(names)}.{hint}")


def _check_duplicates(names: Sequence[str], table: TableInput) -> None:
    duplicates = sorted(name for name in set(names).intersection(table.names) if names.count(name) > 1)
    if duplicates:
        raise _make_error(f"The names in the header must be unique. Duplicates: {format_names(duplicates)}.")


def _make_error(message: str, code: str = "malformed-csv") -> InvalidInput:
    return InvalidInput(message, code=code, field="csv")


class CellConverter:
    """Convert the cells of one file. It remembers whether numbers have decimal commas or points, and rejects a mixture.

    Args:
        names: the feature of each column. All other names are ignored.
    """

    def __init__(self, table: TableInput, names: Sequence[str], delimiter: str) -> None:
        features = {feature.name: feature for feature in table.features}
        self._columns = [(name, features.get(name)) for name in names]
        self._delimiter = delimiter
        self.decimal_mark = ""

    def convert(self, cells: Sequence[str]) -> dict[str, str]:
        """Return the cells by name.

        Raises:
            InvalidInput: the number of cells differs from the number of names, or decimal marks are mixed.
        """
        if len(cells) != len(self._columns):
            names = [name for name, _ in self._columns]
            raise _make_error(f"Expected {len(names)} values: {format_names(names)}. Received: {len(cells)}.", "wrong-count")
        return {
            name: self._convert_cell(feature, cell) if feature else cell
            for (name, feature), cell in zip(self._columns, cells, strict=True)
        }

    def _convert_cell(self, feature: Feature, cell: str) -> str:
        """Return a cell, or an empty string if it marks a missing value. Text is missing only if it is empty."""
        text = cell.strip()
        if feature.type == "text":
            return cell
        if text.lower() in MISSING_TEXTS and text not in feature.values:
            return ""
        if feature.type not in NUMBER_TYPES:
            return text
        if self._delimiter != "," and feature.type == "float" and DECIMAL_COMMA_PATTERN.fullmatch(text):
            is_ambiguous = self._delimiter == "\t" and AMBIGUOUS_PATTERN.fullmatch(text) and self.decimal_mark != ","
            if is_ambiguous:
                return text  # is rejected as a number
            self._check_decimal_mark(",")
            return text.replace(",", ".")
        if "." in text and FLOAT_PATTERN.fullmatch(text):
            self._check_decimal_mark(".")
        return text

    def _check_decimal_mark(self, mark: str) -> None:
        if self.decimal_mark not in ("", mark):
            raise _make_error("Numbers have decimal commas and decimal points. Use one of them in the whole file.")
        self.decimal_mark = mark
