"""Convert a table to the data frame or array that a model was fitted on.

The type of each column comes from the model and the signature, never from the rows of a batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from inference.errors import InvalidSignature
from inference.messages import clean_name, format_names
from inference.runtimes.sklearn.columns import InputColumn, is_missing
from inference.runtimes.sklearn.nameless import NamelessModel, stack_numbers
from inference.signature import Feature
from inference.signature.feature import MISSING_NONE, MISSING_NUMBER
from inference.tensors import encode_column
from inference.types import AnyArray, Table

EXACT_KINDS = "iub"  # NumPy kinds that cannot represent a missing value


class FrameBuilder:
    """Build the input of a model from a table.

    Args:
        columns: all columns of the model, in order. Those without a feature are filled with missing values.
        has_names: whether the model was fitted on a data frame with named columns.
        nameless: a copy of that model that takes arrays. Numbers are then built as an array where this gives the same
            result as a data frame.
    """

    def __init__(self, columns: Sequence[InputColumn], *, has_names: bool, nameless: NamelessModel | None = None) -> None:
        self.columns = list(columns)
        self.has_names = has_names
        self.nameless = nameless
        self.by_name = {column.name: column for column in columns}
        typed = [column for column in columns if column.dtype is not None]
        # In an array of objects, encoders have categories of type object. Other types come from a data frame whose
        # columns have no names.
        self.is_object_array = not has_names and not any(column.dtype.kind in "iufb" for column in typed)

    def build(self, table: Table) -> list[tuple[AnyArray | None, Any]]:
        """Return model inputs, each with the indices of its rows, or with None for all rows.

        Rows are separated if a column of integers or booleans has missing values in some of them, because a column with
        missing values has another type.
        """
        pairs = self._match_features(table)
        masks = [
            mask
            for column, feature in pairs
            if (mask := _find_inexact_rows(column, feature, table.columns[feature.name])) is not None
        ]
        if not masks:
            return [(None, self._build_input(pairs, table.columns))]
        groups: dict[bytes, list[int]] = {}
        for index, pattern in enumerate(np.stack(masks, axis=1)):
            groups.setdefault(pattern.tobytes(), []).append(index)
        return [
            (np.array(rows), self._build_input(pairs, {name: values[rows] for name, values in table.columns.items()}))
            for rows in groups.values()
        ]

    def _match_features(self, table: Table) -> list[tuple[InputColumn, Feature]]:
        if self.has_names:
            return [(self.by_name[feature.name], feature) for feature in table.features]
        is_complete = len(table.features) == len(self.columns)
        columns = self.columns if is_complete else [column for column in self.columns if column.is_used]
        return list(zip(columns, table.features, strict=True))

    def _build_input(self, pairs: list[tuple[InputColumn, Feature]], values: Any) -> Any:
        built = {
            column.index: convert_column(column, feature, values[feature.name], has_names=self.has_names)
            for column, feature in pairs
        }
        count = len(next(iter(built.values())))
        columns = [built[column.index] if column.index in built else np.full(count, np.nan) for column in self.columns]
        is_numeric = all(isinstance(column, np.ndarray) and column.dtype.kind in "iufb" for column in columns)
        if is_numeric and not self.has_names:
            return np.column_stack(columns)
        if is_numeric and self.nameless and self.nameless.accepts_types({column.dtype for column in columns}):
            return stack_numbers(columns)
        if not self.has_names and self.is_object_array:
            return _stack_objects(columns)
        return self._make_frame(columns)

    @cached_property
    def index(self) -> Any:
        """The column names. Building them once saves 0.03 ms per data frame of 12 columns."""
        import pandas as pd

        return pd.Index([column.name for column in self.columns]) if self.has_names else pd.RangeIndex(len(self.columns))

    def _make_frame(self, columns: list[Any]) -> Any:
        import pandas as pd

        if all(isinstance(column, np.ndarray) and column.dtype == np.float64 for column in columns):
            return pd.DataFrame(np.column_stack(columns), columns=self.index)  # faster than a block per column
        # pandas would turn an array of strings and None into strings and NaN, but not an array of None only.
        parts = [
            pd.Series(column, dtype=object) if isinstance(column, np.ndarray) and column.dtype == object else column
            for column in columns
        ]
        return pd.DataFrame(dict(zip(self.index, parts, strict=True)), columns=self.index)


def convert_column(column: InputColumn, feature: Feature, values: AnyArray, *, has_names: bool = True) -> Any:
    """Return the values of a column as an array or pandas series, with the missing value that the model was fitted on.

    A category in an array of numbers, which has no names, becomes the index of its value.
    """
    marker = get_marker(column, feature)
    if feature.type == "datetime":
        return _convert_dates(values)
    if column.levels:
        return _convert_levels(column, feature, values)
    if column.dtype is not None:
        return _convert_to_dtype(column, feature, values, marker)
    return _convert_by_type(column, feature, values, marker, has_names=has_names)


def _convert_by_type(column: InputColumn, feature: Feature, values: AnyArray, marker: Any, *, has_names: bool) -> Any:
    """Return a column that no encoder defines as the type of its feature."""
    if feature.type == "category" and not has_names and not column.is_text:
        return encode_column(feature, values, as_text=False)
    if feature.type in ("text", "category"):
        convert = _convert_text if feature.type == "text" else _convert_category
        return convert(feature, values, marker)
    missing = np.isnan(values) if values.dtype.kind == "f" else np.zeros(len(values), bool)
    if missing.any():
        return _fill_missing(values, missing, marker)
    is_exact = feature.type in ("integer", "boolean") and bool(column.hidden_by)
    return values.astype(np.int64 if feature.type == "integer" else np.bool_) if is_exact else values


def get_marker(column: InputColumn, feature: Feature) -> Any:
    """Return the missing value of a column: as declared, or as in training, or NaN."""
    if feature.missing is not None:
        return {MISSING_NUMBER: np.nan, MISSING_NONE: None}.get(feature.missing, feature.missing)
    return column.markers[0] if column.markers else np.nan


def _find_inexact_rows(column: InputColumn, feature: Feature, values: AnyArray) -> AnyArray | None:
    """Return which rows have a missing value that the type of the column cannot represent, or None."""
    if values.dtype.kind != "f" or feature.type == "float":
        return None
    is_exact = column.dtype.kind in EXACT_KINDS if column.dtype is not None else bool(column.hidden_by)
    missing: AnyArray = np.isnan(values)
    return missing if is_exact and missing.any() else None


def _fill_missing(values: AnyArray, missing: AnyArray, marker: Any) -> AnyArray:
    if marker is None or isinstance(marker, str):
        values = values.astype(np.object_)
        values[missing] = marker
        return values
    return np.where(missing, np.nan if is_missing(marker) else float(marker), values)


def _convert_to_dtype(column: InputColumn, feature: Feature, values: AnyArray, marker: Any) -> AnyArray:
    """Return a column as the type of its encoder's categories."""
    if column.dtype.kind not in "iufb":
        return _convert_to_objects(feature, values, marker)
    if feature.type == "category":
        _check_positions(column, feature)
    numbers = encode_column(feature, values, as_text=False)
    missing = np.isnan(numbers) if numbers.dtype.kind == "f" else np.zeros(len(numbers), bool)
    if missing.any():
        numbers = _fill_missing(numbers, missing, marker)
    if numbers.dtype.kind == "O" or (column.dtype.kind in EXACT_KINDS and numbers.dtype.kind == "f" and missing.any()):
        return numbers
    return numbers.astype(column.dtype)


def _check_positions(column: InputColumn, feature: Feature) -> None:
    """Reject a category whose positions are no categories of the encoder, or other ones than its values name."""
    known = {format(float(value), "g") for value in column.categories}
    positions = {value: format(position, "g") for position, value in enumerate(feature.values)}
    is_renumbered = any(value in known and value != position for value, position in positions.items())
    if known and (is_renumbered or not known.issuperset(positions.values())):
        raise InvalidSignature(
            f"{clean_name(feature.name)} is a category, which the model receives as the position in values, but its encoder "
            f'was fitted on the numbers {format_names(sorted(known))}. Set type = "integer" or "float" for it.'
        )


def _convert_to_objects(feature: Feature, values: AnyArray, marker: Any) -> AnyArray:
    """Return Python objects, as in a column of mixed types."""
    cast: Callable[[Any], Any] = {"integer": int, "boolean": bool}.get(feature.type, lambda value: value)
    items = [marker if is_missing(value) else cast(value) for value in values.tolist()]
    return _make_object_array(items)


def _make_object_array(items: list[Any]) -> AnyArray:
    array = np.empty(len(items), np.object_)
    array[:] = items
    return array


def _stack_objects(columns: list[Any]) -> AnyArray:
    array = np.empty((len(columns[0]), len(columns)), np.object_)
    for index, column in enumerate(columns):
        array[:, index] = column.tolist()
    return array


def _convert_text(feature: Feature, values: AnyArray, marker: Any) -> Any:
    """Return text as pandas reads it from a file, unless the model was fitted on another missing value."""
    import pandas as pd

    objects = _convert_to_objects(feature, values, marker)
    if marker is None:
        return pd.Series(objects, dtype=object)
    return pd.Series(objects, dtype="str" if int(pd.__version__.split(".")[0]) >= 3 else object)


def _convert_category(feature: Feature, values: AnyArray, marker: Any) -> Any:
    """Return a categorical column. The order of categories is that of the signature, not that of the rows."""
    import pandas as pd

    missing = [value is None for value in values]
    known = list(feature.values)
    if any(missing) and isinstance(marker, str):
        values = _convert_to_objects(feature, values, marker)
        known = known if marker in known else [*known, marker]
    return pd.Series(pd.Categorical(values, categories=known))


def _convert_levels(column: InputColumn, feature: Feature, values: AnyArray) -> Any:
    """Return a categorical column with the categories of the training data."""
    import pandas as pd

    return pd.Series(pd.Categorical(_convert_to_objects(feature, values, None), categories=column.levels))


def _convert_dates(values: AnyArray) -> Any:
    import pandas as pd

    return pd.Series(pd.to_datetime(values))
