"""Convert images, rows, and tables of callers to what the API takes."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

ImageSource: TypeAlias = "str | os.PathLike[str] | bytes | BinaryIO"
Row: TypeAlias = Mapping[str, Any]


def read_image(source: ImageSource) -> tuple[str, bytes]:
    """Return the name and the bytes of an image: a path, the bytes themselves, or an open file."""
    if isinstance(source, bytes):
        return "image", source
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        return path.name, path.read_bytes()
    name = getattr(source, "name", "image")
    return os.path.basename(name) if isinstance(name, str) else "image", source.read()


def to_json(value: Any) -> Any:
    """Return a value as JSON can express it: NumPy numbers and times as Python's, missing values of pandas as None."""
    if isinstance(value, Mapping):
        return {str(name): to_json(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    if hasattr(value, "isoformat"):  # dates and times, also of pandas; pandas.NaT has it too
        text = value.isoformat()
        return None if text == "NaT" else text
    if hasattr(value, "tolist"):  # numbers and arrays of NumPy
        return to_json(value.tolist())
    if type(value).__name__ == "NAType":  # pandas.NA
        return None
    return None if isinstance(value, float) and math.isnan(value) else value


def is_table(inputs: Any) -> bool:
    """Return whether the inputs are a data frame: pandas, or another one with `to_dict(orient="records")`."""
    return hasattr(inputs, "columns") and hasattr(inputs, "to_dict")


def list_rows(table: Any) -> list[Row]:
    """Return the rows of a data frame by column name."""
    rows: Iterable[Any] = table.to_dict(orient="records")
    return [to_json(row) for row in rows]
