"""Detect the encoding of a table (CSV), and reject files of other formats."""

from __future__ import annotations

import codecs
import csv
from typing import IO

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.formatting import format_count
from inference.errors import InvalidInput

SCAN_BYTES = 2**20
BYTE_ORDER_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
OTHER_FORMATS = {
    b"PK\x03\x04": _("a ZIP archive or an Excel workbook"),
    b"\xd0\xcf\x11\xe0": _("an Excel workbook"),
    b"\x1f\x8b": _("compressed with gzip"),
    b"\x89PNG": _("an image"),
    b"\xff\xd8\xff": _("an image"),
    b"%PDF": _("a PDF document"),
    b"PAR1": _("a Parquet file"),
}


def detect_encoding(file: IO[bytes]) -> str:
    """Return the encoding of a file: by its byte order mark, or by its first character outside ASCII.

    Raises:
        InvalidInput: the file has another format, or is in UTF-16 without a byte order mark.
    """
    file.seek(0)
    chunk = file.read(SCAN_BYTES)
    for mark, name in OTHER_FORMATS.items():
        if chunk.startswith(mark):
            raise make_table_error(
                gettext("The file is %(name)s. Save the table as CSV (in Excel: CSV UTF-8).") % {"name": name}
            )
    for mark, encoding in BYTE_ORDER_MARKS.items():
        if chunk.startswith(mark):
            return encoding
    if b"\0" in chunk.partition(b"\n")[0]:
        raise make_table_error(
            gettext("The file is in UTF-16, or is not a CSV file. Save it as UTF-8 (in Excel: CSV UTF-8).")
        )
    while chunk and chunk.isascii():
        chunk = file.read(SCAN_BYTES)
    if not chunk:
        return "utf-8"
    start = len(chunk) - len(chunk.lstrip(bytes(range(128))))
    character = (chunk[start : start + 4] + file.read(4))[:4]
    return "utf-8" if any(_is_utf8(character[:length]) for length in (2, 3, 4)) else "cp1252"


def make_table_error(message: str, *, code: str = "malformed-csv", field: str = "file") -> InvalidInput:
    """Return the error of a table or of one of its rows."""
    return InvalidInput(message, code=code, field=field)


def describe_csv_error(error: csv.Error) -> str:
    """Return what is wrong with a row that is not valid CSV."""
    text = str(error)
    if "end of data" in text:
        return gettext("A quotation mark is not closed.")
    if "field limit" in text:
        return gettext("A value is longer than %(limit)s characters, or a quotation mark is not closed.") % {
            "limit": format_count(csv.field_size_limit())
        }
    return gettext(
        'The row is not valid CSV. Inside a quoted value, write a quotation mark as "", and end the value with one.'
    )


def _is_utf8(data: bytes) -> bool:
    try:
        return bool(data.decode())
    except UnicodeDecodeError:
        return False
