"""Complete tables that people paste or upload without a header."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import IO

from django.core.files.base import File
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils.translation import gettext

from inference.numbers import FLOAT_PATTERN
from inference.preprocessing import detect_delimiter
from inference.preprocessing.csv_rows import DECIMAL_COMMA_PATTERN
from inference.signature import TEXT_KEY, AnyInput, TextInput
from predictions.tables.columns import SEPARATORS_PATTERN, get_job_table
from predictions.tables.encodings import detect_encoding

PASTED_NAME = "pasted-rows.csv"
MAX_COMPLETED_BYTES = 16 * 2**20  # of a file that is read as a whole
MAX_HEADER_BYTES = 2**20


def build_pasted_file(text: str, signature_input: AnyInput) -> SimpleUploadedFile:
    """Return pasted text as a file. For a model that takes texts, each line is one text, unless there is a header."""
    lines = [line for line in text.replace("\r\n", "\n").split("\n") if line.strip()]
    if isinstance(signature_input, TextInput) and lines and lines[0].strip().casefold() != TEXT_KEY:
        out = io.StringIO()
        csv.writer(out, quoting=csv.QUOTE_ALL).writerows([[TEXT_KEY], *([line] for line in lines)])
        text = out.getvalue()
    else:
        text = "\n".join(lines) + "\n" if lines else ""
    return SimpleUploadedFile(PASTED_NAME, text.encode("utf-8", "replace"), content_type="text/csv")


def add_missing_header(file: File, signature_input: AnyInput) -> tuple[File, bool]:
    """Return a table with the names of the features as its header if it has none, and whether it had none.

    A first line without the name of a feature, with at least one number, is a row. Its columns are in the order of the
    features.

    Raises:
        InvalidInput: the file is not a table, or the model takes images.
    """
    if isinstance(signature_input, TextInput) or not 0 < file.size <= MAX_COMPLETED_BYTES:
        return file, False
    table, encoding = get_job_table(signature_input), detect_encoding(_as_binary(file))
    file.seek(0)
    content = file.read(MAX_HEADER_BYTES).decode(encoding, "replace")
    first_line = next((line for line in content.splitlines() if line.strip()), "")
    delimiter = detect_delimiter(first_line, table)
    cells = _split_line(first_line, delimiter)
    if cells is None or _is_header(cells, table.names):
        file.seek(0)
        return file, False
    extra = [gettext("column %(number)s") % {"number": index + 1} for index in range(len(table.names), len(cells))]
    header = io.StringIO()
    csv.writer(header, delimiter=delimiter).writerow([*table.names[: len(cells)], *extra])
    file.seek(0)
    body = file.read().decode(encoding, "surrogateescape" if encoding.startswith("utf-8") else "replace")
    data = (header.getvalue() + body).encode("utf-8", "surrogateescape")
    return SimpleUploadedFile(str(file.name), data, content_type="text/csv"), True


def _split_line(line: str, delimiter: str) -> list[str] | None:
    """Return the cells of a line; None if it is not valid CSV, which is reported when the table is read."""
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), [])]
    except csv.Error:
        return None


def _as_binary(file: File) -> IO[bytes]:
    return file


def _is_header(cells: Sequence[str], names: Sequence[str]) -> bool:
    """Return whether a first line names a feature, or contains no number."""
    known = {SEPARATORS_PATTERN.sub("", name).casefold() for name in names}
    if known & {SEPARATORS_PATTERN.sub("", cell).casefold() for cell in cells}:
        return True
    return not any(FLOAT_PATTERN.fullmatch(cell) or DECIMAL_COMMA_PATTERN.fullmatch(cell) for cell in cells)
