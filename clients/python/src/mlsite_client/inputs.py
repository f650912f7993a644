"""Convert images, rows, and tables of callers to what the API takes."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
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
    """Return a value as JSON can express it: NumPy numbers and times as Python's, missing values of pandas as None.

    An infinite number becomes text. The server then rejects this input only, with the name of the feature.
    """
    if isinstance(value, Mapping):
        return {str(name): to_json(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    if hasattr(value, "to_dict"):  # a row of pandas
        return to_json(value.to_dict())
    if hasattr(value, "tolist"):  # numbers and arrays of NumPy
        return to_json(value.tolist())
    if hasattr(value, "isoformat"):  # dates and times, also of pandas; pandas.NaT has it too
        text = value.isoformat()
        return None if text == "NaT" else text
    return None if type(value).__name__ == "NAType" else _convert_number(value)  # pandas.NA


def _convert_number(value: Any) -> Any:
    number = float(value) if isinstance(value, Decimal) else value  # of databases
    if isinstance(number, float) and not math.isfinite(number):
        return None if math.isnan(number) else str(number)
    return number


def list_inputs(inputs: Any) -> list[Any]:
    """Return the inputs as a list: the rows of a data frame, or the elements of an iterable.

    Raises:
        TypeError: the inputs are one input instead of several.
    """
    if hasattr(inputs, "columns") and hasattr(inputs, "to_dict"):  # pandas, or another one with the same method
        return list(inputs.to_dict(orient="records"))
    if isinstance(inputs, Mapping) or is_image_source(inputs):
        raise TypeError(f"Expected a list of inputs, or a data frame. Received: {type(inputs).__name__}.")
    return list(inputs)


def is_row(value: Any) -> bool:
    """Return whether a value has features by name: a dictionary, or a row of pandas."""
    return isinstance(value, Mapping) or hasattr(value, "to_dict")


def is_image_source(value: Any) -> bool:
    return isinstance(value, (str, bytes, os.PathLike)) or hasattr(value, "read")


def check_types(items: Iterable[Any], is_valid: Callable[[Any], bool], description: str) -> None:
    """Check the type of each input.

    Raises:
        TypeError: the message contains the index of the first other input.
    """
    for index, item in enumerate(items):
        if not is_valid(item):
            raise TypeError(f"Input {index}: Expected {description}. Received: {type(item).__name__}.")
