"""Trace the input columns of a model through its steps, to read their types, categories, and missing values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from inference.runtimes.sklearn import steps
from inference.runtimes.sklearn.columns import (
    DERIVED,
    Cell,
    InputColumn,
    fit_count,
    mark_used,
    merge_cells,
    reject_nan,
    select_cells,
)
from inference.runtimes.sklearn.leaves import LEAF_TRACERS, hide_cells


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
        if parts := steps.list_steps(step):
            for _, part in parts:
                cells = self.trace(part, cells)
            return cells
        if hasattr(step, "_transformer_to_input_indices"):  # not on classes that resemble it, such as that of skrub
            return self._trace_column_transformer(step, cells)
        if hasattr(step, "transformer_list"):
            return [cell for _, part in step.transformer_list for cell in self.trace(part, cells)]
        inner = steps.list_inner_models(step)
        return self._trace_inner_models(step, inner, cells) if inner else self._trace_leaf(step, cells)

    def _trace_column_transformer(self, step: Any, cells: list[Cell]) -> list[Cell]:
        cells = fit_count(step, cells)
        outputs: dict[int, Cell] = {}
        for name, part, _ in step.transformers_:
            positions = step._transformer_to_input_indices.get(name, [])
            produced = self.trace(part, select_cells(cells, positions))
            span = getattr(step, "output_indices_", {}).get(name, slice(0, 0))
            # Outputs of unknown origin are derived. A step whose number of outputs differs keeps no column.
            is_complete = len(produced) == span.stop - span.start
            for offset in range(span.stop - span.start):
                outputs[span.start + offset] = produced[offset] if is_complete else merge_cells(produced)
        return [outputs.get(index, DERIVED) for index in range(max(outputs, default=-1) + 1)]

    def _trace_inner_models(self, step: Any, inner: Sequence[tuple[Any, Any]], cells: list[Cell]) -> list[Cell]:
        if type(step).__name__.startswith("AdaBoost"):  # checks its input before the estimators do
            reject_nan(cells)
        if steps.get_support(step) is not None:  # checks all columns before it selects some
            mark_used(cells)
            reject_nan([] if steps.allows_nan(step) else cells)
        for model, positions in inner:
            if type(model).__name__ != "_ConstantPredictor":
                self.trace(model, cells if positions is None else select_cells(cells, positions))
        support = steps.get_support(step)
        return [] if support is None else select_cells(cells, np.flatnonzero(support))

    def _trace_leaf(self, step: Any, cells: list[Cell]) -> list[Cell]:
        if steps.is_sampler(step):
            return cells
        cells = fit_count(step, cells)
        mark_used(cells)
        trace = next((trace for applies, trace in LEAF_TRACERS if applies(step)), None)
        if trace:
            return trace(step, cells)
        wrapped = steps.find_wrapped_model(step, self.names)
        return hide_cells(step, cells) if wrapped is None else self.trace(wrapped, cells)
