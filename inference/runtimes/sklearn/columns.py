"""The input columns of a model, and the columns between its steps."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isnan
from typing import Any, NamedTuple


@dataclass(slots=True)
class InputColumn:
    """What is known about one input column of a model.

    Args:
        is_used: whether any step uses the column.
        is_text: a vectorizer takes the column as text.
        categories: the values that encoders were fitted on, without missing values.
        dtype: of the encoder's categories.
        is_open: all encoders accept unknown values.
        levels: the categories of a column of the pandas type category, in the order of the training data.
        hidden_by: why the type is unknown: the step of the user's own code that takes the column.
        takes_nan: no step rejects NaN.
        markers: the missing values that encoders and imputers were fitted on.
        example: a typical value.
    """

    index: int
    name: str
    is_used: bool = False
    is_text: bool = False
    categories: list[Any] = field(default_factory=list)
    dtype: Any = None
    is_open: bool = True
    levels: list[Any] = field(default_factory=list)
    hidden_by: str = ""
    takes_nan: bool = True
    markers: list[Any] = field(default_factory=list)
    example: float | None = None

    def add_marker(self, marker: Any) -> None:
        if repr(marker) not in map(repr, self.markers):
            self.markers.append(marker)


class Cell(NamedTuple):
    """One column between two steps: the input column with the same values, and the input columns whose NaN it can have."""

    column: InputColumn | None
    nan_from: tuple[InputColumn, ...]


DERIVED = Cell(None, ())


def is_missing(value: Any) -> bool:
    """Return whether a value is None, NaN, or a missing value of pandas, which cannot be compared."""
    return value is None or type(value).__name__ in ("NAType", "NaTType") or (isinstance(value, float) and isnan(value))


def mark_used(cells: list[Cell]) -> None:
    for cell in cells:
        if cell.column:
            cell.column.is_used = True


def select_cells(cells: list[Cell], positions: Any) -> list[Cell]:
    return [cells[index] if index < len(cells) else DERIVED for index in positions]


def fit_count(step: Any, cells: list[Cell]) -> list[Cell]:
    """Return as many columns as the step was fitted on. If the steps before it hide their order, all are derived."""
    count = getattr(step, "n_features_in_", 0) or len(cells)
    return cells if count == len(cells) else [merge_cells(cells)] * count


def merge_cells(cells: list[Cell]) -> Cell:
    """Return a derived column that can have the NaN of all cells."""
    sources = {column.index: column for cell in cells for column in cell.nan_from}
    return Cell(None, tuple(sources.values()))


def reject_nan(cells: list[Cell]) -> None:
    for cell in cells:
        for column in cell.nan_from:
            column.takes_nan = False
