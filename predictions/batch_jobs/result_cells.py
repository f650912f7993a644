"""The columns and the cells of the table of results. The numbers of a column have the same number of decimals."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from core.formatting import (
    MAX_EXACT_DECIMALS,
    choose_decimals,
    count_decimals,
    format_decimals,
    format_exact,
    format_rounded,
)
from inference.signature import Feature
from inference.signature.reference_range import Deviation, get_deviation
from predictions.feature_ranges import describe_deviation

MAX_CELL_CHARACTERS = 120
TYPED_DECIMALS = re.compile(r"\s*[+-]?\d*[.,](\d+)\s*")


class Column(NamedTuple):
    """A column: its key in the query string, its title, its unit, and whether it contains numbers."""

    key: str
    title: str
    unit: str = ""
    is_number: bool = False


class Cell(NamedTuple):
    """A cell: the text, the exact value (empty if the text is exact), what sorts it, and how unusual the value is."""

    text: str
    exact: str = ""
    value: Any = None
    deviation: Deviation = ""
    message: str = ""

    @property
    def is_number(self) -> bool:
        return _is_number(self.value)


def build_value_cells(values: Sequence[float | None]) -> list[Cell | None]:
    """Return the cells of a column of predicted values; None where there is none."""
    decimals = choose_decimals([value for value in values if value is not None])
    return [
        None
        if value is None
        else Cell(format_decimals(value, decimals, separators=True), exact=format_exact(value), value=value)
        for value in values
    ]


def build_feature_cells(feature: Feature, values: Sequence[Any], texts: Sequence[str]) -> list[Cell]:
    """Return the cells of a feature.

    Args:
        values: one per row; None for a row that was rejected.
        texts: the cells of the file.
    """
    decimals = _choose_feature_decimals(values, texts) if feature.type == "float" else None
    return [
        build_text_cell(text) if value is None else _build_feature_cell(feature, value, decimals)
        for value, text in zip(values, texts, strict=True)
    ]


def build_text_cell(text: str) -> Cell:
    return Cell(_shorten(text), value=text.strip())


def _build_feature_cell(feature: Feature, value: Any, decimals: int | None) -> Cell:
    if decimals is None or not _is_number(value):
        text, exact = _shorten(format_rounded(value)), format_exact(value)
        exact = "" if exact == text else exact
    else:
        text = format_decimals(value, decimals)
        exact = "" if count_decimals(value) <= decimals else format_exact(value)
    message = describe_deviation(feature, value)
    return Cell(text, exact, value, get_deviation(feature, value), message)


def _choose_feature_decimals(values: Iterable[Any], texts: Iterable[str]) -> int:
    """Return the number of decimals of a column: at least as many as the file has, such as 1 for `5.0`."""
    numbers = [(float(value), text) for value, text in zip(values, texts, strict=True) if _is_number(value)]
    decimals = choose_decimals([value for value, _ in numbers])
    return max([decimals, *(_count_typed_decimals(value, text) for value, text in numbers)])


def _count_typed_decimals(value: float, text: str) -> int:
    """Return the number of decimals in a text; 0 if there are too many, or if the text is another number: `1,234`."""
    match = TYPED_DECIMALS.fullmatch(text)
    is_same = match and float(text.replace(",", ".")) == value
    return len(match[1]) if match and is_same and len(match[1]) <= MAX_EXACT_DECIMALS else 0


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shorten(text: str) -> str:
    return text if len(text) <= MAX_CELL_CHARACTERS else f"{text[: MAX_CELL_CHARACTERS - 1]}…"
