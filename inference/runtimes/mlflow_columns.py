"""Convert rows of features to the data frames that the column-based signature of an MLflow model defines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from inference.errors import InvalidArtifact, InvalidOutput
from inference.tensors import encode_column, get_dtype_bounds
from inference.types import AnyArray, BatchOutput, Table

# Feature type and NumPy dtype by MLflow column type, https://mlflow.org/docs/latest/ml/model/signatures/
COLUMN_TYPES = {
    "boolean": ("boolean", "bool"),
    "integer": ("integer", "int32"),
    "long": ("integer", "int64"),
    "float": ("float", "float32"),
    "double": ("float", "float64"),
    "string": ("text", "str"),
    "datetime": ("datetime", "datetime64[ns]"),
}
REPLACEMENTS = {"binary": 'a string column, such as ColSpec("string", "photo") with Base64'}
DEFAULT_REPLACEMENT = "one column for each value, or a tensor: TensorSpec(np.dtype('float32'), (-1, 100))"
TYPED_MISSING = ("float32", "float64", "datetime64[ns]")  # dtypes with a missing value: NaN or NaT


def make_feature(spec: Any, index: int) -> dict[str, Any]:
    """Return the feature of a column.

    Raises:
        InvalidArtifact: the column is binary, an array, or an object.
    """
    type_name = get_type_name(spec)
    name = str(spec.name or f"x{index}")
    if type_name not in COLUMN_TYPES:
        step = REPLACEMENTS.get(type_name, DEFAULT_REPLACEMENT)
        raise InvalidArtifact(
            f"Columns must have one of the types {', '.join(COLUMN_TYPES)}. {name} has the type {type_name[:80]}. Save the "
            f"model again with {step}."
        )
    feature_type, dtype = COLUMN_TYPES[type_name]
    optional = {} if getattr(spec, "required", True) else {"required": False}
    bounds = get_dtype_bounds(dtype) if feature_type in ("float", "integer") else {}
    return {"name": name, "type": feature_type, **bounds, **optional, "takes_marker": False}


def get_type_name(spec: Any) -> str:
    return str(getattr(spec.type, "name", spec.type))


def run_frames(table: Table, specs: list[Any], run: Callable[[Any], BatchOutput]) -> BatchOutput:
    """Run a table as one or more data frames and return one row of output per row of the table.

    Each row is in a frame with the same dtypes and columns as a frame of this row alone: rows with different missing values
    run separately. MLflow accepts a missing integer only if its column is left out.
    """
    outputs, order = [], []
    for indices in _group_rows(table, specs):
        outputs.append(run(_make_frame(table, specs, indices)))
        order.extend(indices.tolist())
    return outputs[0] if len(outputs) == 1 else _join_outputs(outputs, np.argsort(order))


def _group_rows(table: Table, specs: list[Any]) -> Iterator[AnyArray]:
    """Yield the indices of rows with the same missing values, except for numbers and dates, which have a missing value."""
    pairs = zip(table.features, specs, strict=True)
    names = [feature.name for feature, spec in pairs if COLUMN_TYPES[get_type_name(spec)][1] not in TYPED_MISSING]
    missing = [_is_missing(table.columns[name]) for name in names]
    if not np.any(missing):
        yield np.arange(len(table))
        return
    _, groups = np.unique(np.stack(missing, axis=1), axis=0, return_inverse=True)
    for group in range(int(groups.max()) + 1):
        yield np.flatnonzero(groups.ravel() == group)


def _make_frame(table: Table, specs: list[Any], indices: AnyArray) -> Any:
    import pandas as pd

    columns: dict[Any, Any] = {}
    for index, (feature, spec) in enumerate(zip(table.features, specs, strict=True)):
        dtype = COLUMN_TYPES[get_type_name(spec)][1]
        values = table.columns[feature.name][indices]
        is_missing = dtype not in TYPED_MISSING and bool(_is_missing(values).any())
        if is_missing and dtype.startswith("int"):
            continue
        if is_missing:
            values = np.full(len(values), None, np.object_)
        elif dtype.startswith("datetime"):
            values = pd.to_datetime(pd.Series(values, dtype=object), format="ISO8601").to_numpy(dtype)
        else:
            values = encode_column(feature, values, as_text=dtype == "str").astype(object if dtype == "str" else dtype)
        columns[spec.name or index] = values
    return pd.DataFrame(columns, index=range(len(indices)))


def _is_missing(values: AnyArray) -> AnyArray:
    return np.array([value is None or value != value for value in values.tolist()], np.bool_)  # noqa: PLR0124


def _join_outputs(outputs: list[BatchOutput], order: AnyArray) -> BatchOutput:
    """Return the rows of several outputs in their original order."""
    first = outputs[0]
    if isinstance(first, Mapping):
        if any(not isinstance(output, Mapping) or output.keys() != first.keys() for output in outputs):
            raise InvalidOutput("Expected the same outputs for rows with and without missing values.")
        return {name: np.concatenate([output[name] for output in outputs])[order] for name in first}
    return np.concatenate([np.asarray(output) for output in outputs])[order]
