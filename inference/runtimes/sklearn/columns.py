"""Trace the input columns of a model through its steps, to read their types, categories, and missing values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import isnan
from typing import Any, NamedTuple

import numpy as np

from inference.runtimes.sklearn import steps
from inference.runtimes.sklearn.boosters import list_category_columns


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


def trace_columns(model: Any, names: Sequence[str]) -> list[InputColumn]:
    """Return what the fitted steps of a model show about its input columns."""
    columns = [InputColumn(index, name) for index, name in enumerate(names)]
    ColumnTracer(names).trace(model, [Cell(column, (column,)) for column in columns])
    return columns


class ColumnTracer:
    """Follow columns through pipelines, column transformers, and meta-estimators."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = list(names)

    def trace(self, step: Any, cells: list[Cell]) -> list[Cell]:
        """Record what a step shows about its input, and return its output columns; unknown ones are left out."""
        if step is None or isinstance(step, str):
            return [] if step == "drop" else cells
        if hasattr(step, "steps"):
            for _, part in step.steps:
                cells = self.trace(part, cells)
            return cells
        if hasattr(step, "transformers_"):
            return self._trace_column_transformer(step, cells)
        if hasattr(step, "transformer_list"):
            return [cell for _, part in step.transformer_list for cell in self.trace(part, cells)]
        inner = steps.list_inner_models(step)
        return self._trace_inner_models(step, inner, cells) if inner else self._trace_leaf(step, cells)

    def _trace_column_transformer(self, step: Any, cells: list[Cell]) -> list[Cell]:
        cells = _fit_count(step, cells)
        outputs: dict[int, Cell] = {}
        for name, part, _ in step.transformers_:
            positions = step._transformer_to_input_indices.get(name, [])
            produced = self.trace(part, _select_cells(cells, positions))
            span = getattr(step, "output_indices_", {}).get(name, slice(0, 0))
            # Outputs of unknown origin are derived. A step whose number of outputs differs keeps no column.
            is_complete = len(produced) == span.stop - span.start
            for offset in range(span.stop - span.start):
                outputs[span.start + offset] = produced[offset] if is_complete else _merge_cells(produced)
        return [outputs.get(index, DERIVED) for index in range(max(outputs, default=-1) + 1)]

    def _trace_inner_models(self, step: Any, inner: Sequence[tuple[Any, Any]], cells: list[Cell]) -> list[Cell]:
        if type(step).__name__.startswith("AdaBoost"):  # checks its input before the estimators do
            _reject_nan(cells)
        if steps.get_support(step) is not None:  # checks all columns before it selects some
            _mark_used(cells)
            _reject_nan([] if steps.allows_nan(step) else cells)
        for model, positions in inner:
            if type(model).__name__ != "_ConstantPredictor":
                self.trace(model, cells if positions is None else _select_cells(cells, positions))
        support = steps.get_support(step)
        return [] if support is None else _select_cells(cells, np.flatnonzero(support))

    def _trace_leaf(self, step: Any, cells: list[Cell]) -> list[Cell]:
        if steps.is_sampler(step):
            return cells
        cells = _fit_count(step, cells)
        _mark_used(cells)
        trace = next((trace for applies, trace in LEAF_TRACERS if applies(step)), None)
        if trace:
            return trace(step, cells)
        wrapped = steps.find_wrapped_model(step, self.names)
        return _hide_cells(step, cells) if wrapped is None else self.trace(wrapped, cells)


def _mark_used(cells: list[Cell]) -> None:
    for cell in cells:
        if cell.column:
            cell.column.is_used = True


def _select_cells(cells: list[Cell], positions: Any) -> list[Cell]:
    return [cells[index] if index < len(cells) else DERIVED for index in positions]


def _fit_count(step: Any, cells: list[Cell]) -> list[Cell]:
    """Return as many columns as the step was fitted on. If the steps before it hide their order, all are derived."""
    count = getattr(step, "n_features_in_", 0) or len(cells)
    return cells if count == len(cells) else [_merge_cells(cells)] * count


def _merge_cells(cells: list[Cell]) -> Cell:
    """Return a derived column that can have the NaN of all cells."""
    sources = {column.index: column for cell in cells for column in cell.nan_from}
    return Cell(None, tuple(sources.values()))


def _reject_nan(cells: list[Cell]) -> None:
    for cell in cells:
        for column in cell.nan_from:
            column.takes_nan = False


def _hide_cells(step: Any, cells: list[Cell]) -> list[Cell]:
    """Record that the user's own code takes the columns."""
    _reject_nan(cells)
    for cell in cells:
        if cell.column:
            cell.column.hidden_by = f"{steps.describe_step(step)} takes it"
    return []


def _trace_text(step: Any, cells: list[Cell]) -> list[Cell]:
    _reject_nan(cells)
    for cell in cells:
        if cell.column:
            cell.column.is_text = True
    return []


def _trace_encoder(step: Any, cells: list[Cell]) -> list[Cell]:
    is_open = getattr(step, "handle_unknown", "ignore") != "error"
    for cell, values in zip(cells, step.categories_, strict=True):
        known = [value for value in values.tolist() if not is_missing(value)]
        markers = [value for value in values.tolist() if is_missing(value)]
        _add_categories(cell, known, values.dtype, is_open=is_open)
        if not markers:
            _reject_nan([cell])
        for column in cell.nan_from:
            for marker in markers:
                column.add_marker(marker)
    # An ordinal encoder passes on missing values as NaN by default.
    keeps_nan = is_missing(getattr(step, "encoded_missing_value", 0))
    return [Cell(None, cell.nan_from if keeps_nan else ()) for cell in cells]


def _add_categories(cell: Cell, known: list[Any], dtype: Any, *, is_open: bool) -> None:
    column = cell.column
    if column is None:
        return
    column.categories += [value for value in known if value not in column.categories]
    column.is_open = column.is_open and is_open
    column.dtype = dtype if column.dtype is None else np.promote_types(column.dtype, dtype)


def is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and isnan(value))


def _trace_imputer(step: Any, cells: list[Cell]) -> list[Cell]:
    for cell, example in zip(cells, steps.get_typical_values(step, len(cells)), strict=True):
        for column in cell.nan_from:
            column.add_marker(step.missing_values)
        _add_example(cell, example)
    if not hasattr(step, "statistics_") and not hasattr(step, "n_neighbors") and not hasattr(step, "imputation_sequence_"):
        return []  # an indicator of missing values
    statistics = np.asarray(getattr(step, "statistics_", np.zeros(len(cells))), object)
    keeps_empty = getattr(step, "keep_empty_features", False)
    # The imputer drops columns that were empty in training.
    kept = [
        Cell(cell.column, ()) for cell, value in zip(cells, statistics, strict=True) if keeps_empty or not is_missing(value)
    ]
    indicator = getattr(step, "indicator_", None)
    return kept if indicator is None else [*kept, *[DERIVED] * len(indicator.features_)]


def _trace_histogram_model(step: Any, cells: list[Cell]) -> list[Cell]:
    """Read the categories of a histogram gradient boosting model, which sends unknown and missing ones the same way."""
    if step._preprocessor is not None:
        encoder = step._preprocessor.named_transformers_["encoder"]
        selected = _select_cells(cells, np.flatnonzero(step.is_categorical_))
        for cell, values in zip(selected, encoder.categories_, strict=True):
            known = [value for value in values.tolist() if not is_missing(value)]
            _add_categories(cell, known, values.dtype, is_open=True)
    return []


def _trace_numbers(step: Any, cells: list[Cell]) -> list[Cell]:
    """Record a step of numbers. Scalers keep the order of the columns, and selectors their values."""
    from sklearn.base import OneToOneFeatureMixin

    _trace_category_columns(step, cells)
    can_be_nan = steps.list_nan_columns(step, len(cells))
    _reject_nan([cell for index, cell in enumerate(cells) if index not in can_be_nan])
    for cell, example in zip(cells, steps.get_typical_values(step, len(cells)), strict=True):
        _add_example(cell, example)
    support = steps.get_support(step)
    if support is not None:
        return _select_cells(cells, np.flatnonzero(support))
    is_elementwise = isinstance(step, OneToOneFeatureMixin) or hasattr(step, "func")
    return [Cell(None, cell.nan_from) for cell in cells] if is_elementwise else [_merge_cells(cells)]


def _add_example(cell: Cell, example: float | None) -> None:
    if cell.column and cell.column.example is None:
        cell.column.example = example


def _trace_category_columns(step: Any, cells: list[Cell]) -> None:
    """Record the categorical columns of a boosting library. CatBoost rejects missing categories."""
    if type(step).__module__.startswith("catboost"):
        _reject_nan([cells[index] for index in list_category_columns(step)])
    for index, levels in list_category_columns(step).items():
        if column := cells[index].column:
            column.levels = levels
            column.is_open = False
            column.categories += [value for value in levels if value not in column.categories]
            column.hidden_by = "" if levels else f"{steps.describe_step(step)} takes it as a category"


def _trace_function(step: Any, cells: list[Cell]) -> list[Cell]:
    if step.func is None:
        return cells
    return _trace_numbers(step, cells) if steps.is_numeric_function(step) else _hide_cells(step, cells)


def _has_attributes(*names: str) -> Callable[[Any], bool]:
    return lambda step: all(hasattr(step, name) for name in names)


LEAF_TRACERS: tuple[tuple[Callable[[Any], bool], Callable[[Any, list[Cell]], list[Cell]]], ...] = (
    (steps.is_text_vectorizer, _trace_text),
    (lambda step: isinstance(getattr(step, "categories_", None), list), _trace_encoder),
    (_has_attributes("missing_values", "transform"), _trace_imputer),
    (_has_attributes("_preprocessor", "is_categorical_"), _trace_histogram_model),
    (_has_attributes("func", "inverse_func", "kw_args"), _trace_function),
    (steps.is_library_step, _trace_numbers),
)
