"""Convert a table to a matrix for libraries that convert every number to one type and missing numbers to NaN."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from inference.types import AnyArray, Table

Categories = Sequence[Sequence[Any] | None]
"""The categories of each column in the order of the model, or None for a column of numbers."""


def make_matrix(table: Table, categories: Categories, *, clear_markers: bool = False) -> AnyArray:
    """Return the columns as a float64 matrix, with NaN for missing values.

    A category becomes its index. The model's own order counts, not that of the signature. Without own categories, it is
    the order of `values` in the signature.

    Args:
        clear_markers: replace the number that stands for a missing value in a column (`missing`) with NaN.

    Raises:
        KeyError: a value is not a category of the model.
    """
    columns = []
    for feature, own_choices in zip(table.features, categories, strict=True):
        choices = feature.values if own_choices is None and feature.type == "category" else own_choices
        values = table.columns[feature.name]
        numbers = values.astype(np.float64) if choices is None else _encode(values, choices)
        if clear_markers and choices is None and isinstance(feature.missing, int | float):
            numbers[numbers.astype(np.float32) == np.float32(feature.missing)] = np.nan
        columns.append(numbers)
    return np.stack(columns, axis=1)


def make_category_features(name: str, choices: Sequence[Any]) -> dict[str, Any]:
    """Return the optional feature for a column with these categories: strings, whole numbers, or booleans."""
    if all(isinstance(choice, bool) for choice in choices):
        return {"name": name, "type": "boolean", "required": False}
    is_text = all(isinstance(choice, str) for choice in choices)
    is_whole = all(isinstance(choice, int) and not isinstance(choice, bool) for choice in choices)
    feature_type = "category" if is_text else "integer" if is_whole else "float"
    return {"name": name, "type": feature_type, "values": list(choices), "required": False}


def _encode(values: AnyArray, choices: Sequence[Any]) -> AnyArray:
    codes = {choice: index for index, choice in enumerate(choices)}
    return np.array([np.nan if value is None or value != value else codes[value] for value in values.tolist()], np.float64)  # noqa: PLR0124
