"""Write an Excel workbook of predictions, with a column for each feature and score.

The rows are first collected in a temporary file, because the columns depend on their model versions. Memory use does not
depend on the number of rows.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from datetime import datetime, tzinfo
from tempfile import TemporaryFile
from typing import IO, Any

from django.utils.translation import gettext
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from core.formatting import format_count
from inference.errors import InferenceError
from predictions.exports.columns import flatten_row, get_scores
from predictions.exports.reviews import join_tags

MAX_ROWS = 1_048_576 - 1  # of a sheet, without the header
MAX_COLUMNS = 16_384
MAX_CELL_CHARACTERS = 32_767
MAX_LINKS = 10_000  # openpyxl keeps links in memory; a larger file has formulas that open the same addresses
MAX_EXACT_INTEGER = 2**53
LEADING_COLUMNS = (
    "created_at", "model", "model_version", "status", "label", "confidence", "value", "verdict", "true_label", "true_value",
)  # fmt: skip
OTHER_COLUMNS = (
    "labels", "true_labels", "text", "original_name", "client_reference", "user", "source", "kind", "error_code",
    "warnings", "tags", "picked_by", "reviews", "sha256", "id",
)  # fmt: skip
LINK_COLUMN = "link"
COLUMN_WIDTHS = {"created_at": 25, "model": 14, "original_name": 28, "id": 38, "text": 40}
DATE_FORMAT = "yyyy-mm-dd hh:mm:ss"
READ_BYTES = 64 * 1024


class ExportTooLarge(InferenceError):
    """There are more predictions or columns than a sheet can have."""

    code = "too-many-rows"


class CollectedRows:
    """The rows of an export in a temporary file, and the features and scores that they have. Close them after use.

    Args:
        chosen: the columns; if empty, all data.
    """

    def __init__(self, chosen: Sequence[str]) -> None:
        self.chosen = chosen
        self.file: IO[str] = TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115  closed by `close`
        self.count = 0
        self.features: list[str] = []
        self.scores: list[str] = []

    def close(self) -> None:
        self.file.close()

    def collect(self, rows: Iterable[dict[str, Any]]) -> None:
        """Store the rows.

        Raises:
            ExportTooLarge: there are more than `MAX_ROWS` rows, or too many features and scores.
        """
        features: dict[str, None] = {}
        scores: dict[str, None] = {}
        for row in rows:
            self.count += 1
            if self.count > MAX_ROWS:
                raise ExportTooLarge(
                    gettext("A sheet has at most %(limit)s rows. Select fewer predictions, or export CSV or JSON Lines.")
                    % {"limit": format_count(MAX_ROWS)}
                )
            features |= dict.fromkeys(row["features"] or ())
            scores |= dict.fromkeys(get_scores(row))
            self.file.write(json.dumps(row, ensure_ascii=False) + "\n")
        self.features, self.scores = list(features), list(scores)
        if len(self.columns) > MAX_COLUMNS:
            raise ExportTooLarge(
                gettext("A sheet has at most %(limit)s columns. Select one model, or export CSV.")
                % {"limit": format_count(MAX_COLUMNS)}
            )

    @property
    def columns(self) -> list[str]:
        """Return the names of the columns. The last one is the link."""
        if self.chosen:
            return [*self.chosen]
        features = [f"features.{name}" for name in self.features]
        scores = [f"scores.{name}" for name in self.scores]
        return [*LEADING_COLUMNS, *features, *scores, *OTHER_COLUMNS, LINK_COLUMN]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        self.file.seek(0)
        return map(json.loads, self.file)


def create_workbook(rows: Iterable[dict[str, Any]], *, zone: tzinfo, url: str, columns: Sequence[str] = ()) -> IO[bytes]:
    """Return a temporary file with a workbook of one sheet.

    Args:
        zone: the time zone of the dates, which the header names.
        url: the start of the URL of a prediction, to which its ID and a slash are added.
        columns: the columns, of which the last one is the link; if empty, all data.

    Raises:
        ExportTooLarge: a sheet cannot have as many rows or columns.
    """
    with closing(CollectedRows(columns)) as collected:
        collected.collect(rows)
        return _write_workbook(collected, zone, url)


def _write_workbook(rows: CollectedRows, zone: tzinfo, url: str) -> IO[bytes]:
    book = Workbook(write_only=True)
    sheet = book.create_sheet("predictions")
    sheet.freeze_panes = "A2"
    names = rows.columns
    for number, name in enumerate(names, 1):
        sheet.column_dimensions[get_column_letter(number)].width = COLUMN_WIDTHS.get(name, max(12, min(len(name) + 3, 30)))
    header = [f"{name} ({zone})" if name == "created_at" else name for name in names]
    sheet.append([make_header_cell(sheet, name) for name in header])
    for row in rows:
        link = _make_link_cell(sheet, f"{url}{row['id']}/", is_formula=rows.count > MAX_LINKS)
        sheet.append([*_list_cells(sheet, row, names[:-1], zone), link])
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(names))}{rows.count + 1}"
    file = TemporaryFile()  # noqa: SIM115  the response closes it
    book.save(file)
    file.seek(0)
    return file


def _list_cells(sheet: Any, row: dict[str, Any], names: Sequence[str], zone: tzinfo) -> list[Any]:
    values = flatten_row(row)
    values["created_at"] = datetime.fromisoformat(row["created_at"]).astimezone(zone).replace(tzinfo=None)
    values["tags"] = join_tags(row["tags"])
    return [make_cell(sheet, values.get(name)) for name in names]


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


def _make_text_cell(sheet: Any, text: str) -> Any:
    cell = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("\ufffd", text)[:MAX_CELL_CHARACTERS])
    cell.data_type = "s"
    return cell


def make_header_cell(sheet: Any, text: str) -> Any:
    """Return a bold cell."""
    cell = _make_text_cell(sheet, text)
    cell.font = Font(bold=True)
    return cell


def _make_link_cell(sheet: Any, url: str, *, is_formula: bool) -> Any:
    if is_formula:
        return f'=HYPERLINK("{url}","{url}")'
    cell = _make_text_cell(sheet, url)
    cell.hyperlink = url
    return cell


def read_chunks(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the content of a file, and close it."""
    with file:
        while chunk := file.read(READ_BYTES):
            yield chunk
