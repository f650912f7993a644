"""Read the input columns of single steps: encoders, imputers, vectorizers, functions, and estimators of numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from inference.runtimes.sklearn import steps
from inference.runtimes.sklearn.boosters import list_category_columns, list_text_columns
from inference.runtimes.sklearn.columns import DERIVED, Cell, is_missing, merge_cells, reject_nan, select_cells


def hide_cells(step: Any, cells: list[Cell]) -> list[Cell]:
    """Record that the user's own code takes the columns."""
    reject_nan(cells)
    for cell in cells:
        if cell.column:
            cell.column.hidden_by = f"{steps.describe_step(step)} takes it"
    return []


def _trace_text(step: Any, cells: list[Cell]) -> list[Cell]:
    reject_nan(cells)
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
            reject_nan([cell])
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
    remaining = [
        Cell(cell.column, ()) for cell, value in zip(cells, statistics, strict=True) if keeps_empty or not is_missing(value)
    ]
    indicator = getattr(step, "indicator_", None)
    return remaining if indicator is None else [*remaining, *[DERIVED] * len(indicator.features_)]


def _trace_histogram_model(step: Any, cells: list[Cell]) -> list[Cell]:
    """Read the categories of a histogram gradient boosting model, which sends unknown and missing ones the same way."""
    if step._preprocessor is not None:
        encoder = step._preprocessor.named_transformers_["encoder"]
        selected = select_cells(cells, np.flatnonzero(step.is_categorical_))
        for cell, values in zip(selected, encoder.categories_, strict=True):
            known = [value for value in values.tolist() if not is_missing(value)]
            _add_categories(cell, known, values.dtype, is_open=True)
    return []


def _trace_numbers(step: Any, cells: list[Cell]) -> list[Cell]:
    """Record a step of numbers. Scalers keep the order of the columns, and selectors their values."""
    from sklearn.base import OneToOneFeatureMixin

    _trace_category_columns(step, cells)
    can_be_nan = steps.list_nan_columns(step, len(cells))
    reject_nan([cell for index, cell in enumerate(cells) if index not in can_be_nan])
    for cell, example in zip(cells, steps.get_typical_values(step, len(cells)), strict=True):
        _add_example(cell, example)
    support = steps.get_support(step)
    if support is not None:
        return select_cells(cells, np.flatnonzero(support))
    is_elementwise = isinstance(step, OneToOneFeatureMixin) or hasattr(step, "func")
    return [Cell(None, cell.nan_from) for cell in cells] if is_elementwise else [merge_cells(cells)]


def _add_example(cell: Cell, example: float | None) -> None:
    if cell.column and cell.column.example is None:
        cell.column.example = example


def _trace_category_columns(step: Any, cells: list[Cell]) -> None:
    """Record the categorical columns of a boosting library. CatBoost rejects missing categories."""
    if type(step).__module__.startswith("catboost"):
        reject_nan([cells[index] for index in list_category_columns(step)])
        _trace_text(step, [cells[index] for index in list_text_columns(step)])
    for index, levels in list_category_columns(step).items():
        if column := cells[index].column:
            column.levels = levels
            column.is_open = False
            column.categories += [value for value in levels if value not in column.categories]
            column.hidden_by = "" if levels else f"{steps.describe_step(step)} takes it as a category"


def _trace_function(step: Any, cells: list[Cell]) -> list[Cell]:
    if step.func is None:
        return cells
    return _trace_numbers(step, cells) if steps.is_numeric_function(step) else hide_cells(step, cells)


def _has_attributes(*names: str) -> Callable[[Any], bool]:
    return lambda step: all(hasattr(step, name) for name in names)


def _is_imputer(step: Any) -> bool:
    """Return whether a step is an imputer of scikit-learn. Encoders of feature_engine have `missing_values`, too."""
    return hasattr(step, "missing_values") and hasattr(step, "transform") and steps.is_library_step(step)


LEAF_TRACERS: tuple[tuple[Callable[[Any], bool], Callable[[Any, list[Cell]], list[Cell]]], ...] = (
    (steps.is_text_vectorizer, _trace_text),
    (lambda step: isinstance(getattr(step, "categories_", None), list), _trace_encoder),
    (_is_imputer, _trace_imputer),
    (_has_attributes("_preprocessor", "is_categorical_"), _trace_histogram_model),
    (_has_attributes("func", "inverse_func", "kw_args"), _trace_function),
    (steps.is_library_step, _trace_numbers),
)
