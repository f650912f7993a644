"""The results of a small batch job of rows as a table that can be sorted by any column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

from django.core.paginator import Page, Paginator
from django.utils.translation import gettext

from core.formatting import NOT_AVAILABLE, format_exact, format_percent
from core.storage_errors import StorageUnavailable
from inference.errors import InferenceError
from inference.signature import LabelsOutput, RawOutput, TextInput, ValueOutput
from predictions.batch_jobs.files import open_table
from predictions.batch_jobs.result_cells import Cell, Column, build_feature_cells, build_text_cell, build_value_cells
from predictions.models import BatchJob
from predictions.presentation import format_labels
from predictions.stored_errors import describe_row_item_error, translate_stored_error
from predictions.tables.columns import get_job_table
from predictions.tables.lines import replace_undecodable

MAX_TABLE_ROWS = 1000  # of a job whose results are sorted in memory
MAX_TABLE_COLUMNS = 60
PAGE_SIZE = 100  # rows
DEFAULT_SORT = "doubtful"
FIELDS = (
    "number", "name", "error_code", "error_message", "prediction_id", "prediction__label", "prediction__confidence",
    "prediction__value", "prediction__output", "prediction__error_code", "prediction__error_message",
    "prediction__input__features",
)  # fmt: skip


@dataclass(slots=True)
class ResultRow:
    """A row of the table, in the order of the columns."""

    number: int
    prediction_id: Any
    error: str
    confidence: float | None
    cells: list[Cell]

    @property
    def unusual_count(self) -> int:
        return sum(bool(cell.deviation) for cell in self.cells)


@dataclass(frozen=True, slots=True)
class ResultsTable:
    """The results of a job.

    Args:
        sort: the key of the column that sorts the rows, after a `-` in descending order, or `doubtful`: failed
            rows first, then the lowest confidence or, without a confidence, the most unusual values.
        hidden_column_count: columns of the file that the table does not show.
        has_errors: whether a row has failed.
        outside_count: rows with a value outside the training data.
    """

    columns: list[Column]
    page: Page[ResultRow]
    sort: str
    hidden_column_count: int
    has_errors: bool
    outside_count: int

    @property
    def has_confidence(self) -> bool:
        return any(column.key == "confidence" for column in self.columns)

    @property
    def sorted_key(self) -> str:
        return self.sort.removeprefix("-")

    @property
    def is_descending(self) -> bool:
        return self.sort.startswith("-")


def has_results_table(job: BatchJob) -> bool:
    """Return whether the results of a job are shown as a table."""
    return job.kind == BatchJob.Kind.TABLE and job.is_final and 0 < job.done_items <= MAX_TABLE_ROWS


def build_results_table(job: BatchJob, *, sort: str = "", page: str = "") -> ResultsTable | None:
    """Return the table of a job, or None if the job has none. It needs one query and reads the file of the job.

    Args:
        sort: see `ResultsTable`; unknown keys give the default order: failed rows first, then the lowest confidence.
        page: a number, as in the query string.
    """
    if not has_results_table(job):
        return None
    builder = _TableBuilder(job)
    rows = builder.build_rows()
    keys = [column.key for column in builder.columns]
    sort = sort if sort.removeprefix("-") in keys else DEFAULT_SORT
    return ResultsTable(
        columns=builder.columns,
        page=Paginator(sort_rows(rows, keys, sort), PAGE_SIZE).get_page(page or 1),
        sort=sort,
        hidden_column_count=builder.hidden_column_count,
        has_errors=any(row.error for row in rows),
        outside_count=sum(any(cell.deviation == "outside" for cell in row.cells) for row in rows),
    )


def sort_rows(rows: list[ResultRow], keys: Sequence[str], sort: str) -> list[ResultRow]:
    """Return the rows in an order. Rows without a value come last."""
    if sort == DEFAULT_SORT:
        return sorted(rows, key=_get_doubt)
    index, is_descending = keys.index(sort.removeprefix("-")), sort.startswith("-")
    filled = [row for row in rows if row.cells[index].value not in (None, "")]
    filled.sort(key=lambda row: _get_sort_key(row.cells[index].value), reverse=is_descending)
    return filled + [row for row in rows if row.cells[index].value in (None, "")]


def _get_doubt(row: ResultRow) -> tuple[bool, float, int, int]:
    return not row.error, inf if row.confidence is None else row.confidence, -row.unusual_count, row.number


def _get_sort_key(value: Any) -> tuple[int, float, str]:
    """Return what sorts numbers before texts, and texts without case."""
    if isinstance(value, int | float):
        return 0, float(value), ""
    try:
        return 0, float(str(value).replace(",", ".")), ""
    except ValueError:
        return 1, 0.0, str(value).casefold()


class _TableBuilder:
    """The columns of the table of a job, and its rows in the order of the file."""

    def __init__(self, job: BatchJob) -> None:
        self._job = job
        signature = job.model_version.parsed_signature
        self._output = signature.output
        self._is_text = isinstance(signature.input, TextInput)
        mapping = job.options["mapping"]
        self._table_features = get_job_table(signature.input).features
        self._features = [feature for feature in self._table_features if mapping.get(feature.name)]
        self._file_columns, self._file_rows = _read_file(job)
        used = {mapping[feature.name] for feature in self._features}
        self._others = [index for index, name in enumerate(self._file_columns) if name not in used]
        self.hidden_column_count = max(0, len(self._features) + len(self._others) - MAX_TABLE_COLUMNS)
        self._features = self._features[:MAX_TABLE_COLUMNS]
        self._others = self._others[: max(0, MAX_TABLE_COLUMNS - len(self._features))]
        positions = {name: index for index, name in enumerate(self._file_columns)}
        self._positions = [positions.get(mapping[feature.name]) for feature in self._features]

    @property
    def columns(self) -> list[Column]:
        return [
            Column("row", gettext("Row"), is_number=True),
            *self._list_result_columns(),
            *(
                Column(f"feature-{index}", feature.display_name, feature.unit, feature.type in ("float", "integer"))
                for index, feature in enumerate(self._features)
            ),
            *(Column(f"column-{index}", self._file_columns[index] or gettext("(without a name)")) for index in self._others),
        ]

    def build_rows(self) -> list[ResultRow]:
        items = list(self._job.items.order_by("number").values_list(*FIELDS, named=True)[:MAX_TABLE_ROWS])
        features = [
            build_feature_cells(
                feature,
                [(item.prediction__input__features or {}).get(feature.name) for item in items],
                [self._get_text(item.number, position) for item in items],
            )
            for feature, position in zip(self._features, self._positions, strict=True)
        ]
        values = build_value_cells([item.prediction__value for item in items])
        rows = []
        for index, item in enumerate(items):
            cells = [
                Cell(str(item.number), value=item.number),
                values[index] or self._build_output_cell(item),
                *self._build_confidence_cells(item.prediction__confidence),
                *(column[index] for column in features),
                *(build_text_cell(self._get_text(item.number, position)) for position in self._others),
            ]
            error = self._describe_error(item)
            rows.append(ResultRow(item.number, item.prediction_id, error, item.prediction__confidence, cells))
        return rows

    def _describe_error(self, item: Any) -> str:
        if item.error_message:
            return describe_row_item_error(
                item.name, item.error_message, code=item.error_code, features=self._table_features
            )
        return translate_stored_error(item.prediction__error_message or "", code=item.prediction__error_code or "")

    def _get_text(self, number: int, position: int | None) -> str:
        """Return a cell of the file; empty if the row or the column does not exist."""
        texts = self._file_rows.get(number, [])
        return texts[position] if position is not None and position < len(texts) else ""

    def _list_result_columns(self) -> list[Column]:
        if isinstance(self._output, ValueOutput):
            return [Column("result", gettext("Prediction"), self._output.unit, is_number=True)]
        columns = [Column("result", gettext("Prediction"))]
        if self._output.has_scores and not isinstance(self._output, LabelsOutput):
            columns.append(Column("confidence", gettext("Confidence"), is_number=True))
        return columns

    def _build_output_cell(self, item: Any) -> Cell:
        if isinstance(self._output, LabelsOutput) and item.prediction__output:
            text = format_labels(item.prediction__output.get("labels", ()))
            return Cell(text, value=text)
        if isinstance(self._output, RawOutput) and item.prediction__output is not None:
            return Cell(gettext("raw output"), value="raw output")
        return Cell(item.prediction__label or "", value=item.prediction__label)

    def _build_confidence_cells(self, confidence: float | None) -> list[Cell]:
        if len(self._list_result_columns()) == 1:
            return []
        if confidence is None:
            return [Cell(NOT_AVAILABLE)]
        return [Cell(format_percent(confidence), exact=format_exact(confidence), value=confidence)]


def _read_file(job: BatchJob) -> tuple[list[str], dict[int, list[str]]]:
    """Return the columns of the file and its rows by number; nothing if the file is damaged."""
    try:
        with open_table(job) as table:
            rows = zip(range(1, MAX_TABLE_ROWS + 1), table, strict=False)
            return table.columns, {number: list(map(replace_undecodable, row.cells)) for number, row in rows}
    except (InferenceError, StorageUnavailable, OSError):
        return [], {}
