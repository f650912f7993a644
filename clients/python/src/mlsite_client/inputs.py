"""Convert images, rows, and tables of callers to what the API takes."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeAlias


class PillowImage(Protocol):
    """`PIL.Image.Image`."""

    def save(self, fp: BinaryIO, format: str) -> None: ...


ImageSource: TypeAlias = "str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO | PillowImage"
Row: TypeAlias = Mapping[str, Any]
IMAGE_SOURCES = "an image (a path, bytes, an open file, or a Pillow image)"


def read_image(source: ImageSource) -> tuple[str, bytes]:
    """Return the name and the bytes of an image. An image of Pillow becomes a PNG file.

    Raises:
        OSError: the file cannot be read, or PNG does not support the mode of the Pillow image.
        TypeError: the source is not an image, or a file that is open as text.
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        return "image", bytes(source)
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        return clean_name(path.name), path.read_bytes()
    if hasattr(source, "read"):
        name, data = getattr(source, "name", "image"), source.read()
        if not isinstance(data, bytes):
            raise TypeError("Expected a file that is open in binary mode, such as open(path, 'rb').")
        return clean_name(os.path.basename(name)) if isinstance(name, str) else "image", data
    if not hasattr(source, "save"):
        raise TypeError(f"Expected {IMAGE_SOURCES}. Received: {type(source).__name__}.")
    buffer = BytesIO()
    source.save(buffer, "PNG")
    return "image.png", buffer.getvalue()


def clean_name(name: str) -> str:
    """Replace the bytes of a file name that are not text."""
    return name.encode("utf-8", "replace").decode()


def to_json(value: Any) -> Any:
    """Return a value as JSON can express it: NumPy numbers and times as Python's, missing values of pandas as None.

    An infinite number and an object of another type become text. If this is not valid, the server rejects this input only,
    with the name of the feature.
    """
    if isinstance(value, Mapping):
        return {str(name): to_json(item) for name, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [to_json(item) for item in value]
    if hasattr(value, "to_dict"):  # a row of pandas
        return to_json(value.to_dict())
    if hasattr(value, "tolist"):  # numbers and arrays of NumPy
        return to_json(value.tolist())
    if hasattr(value, "isoformat"):  # dates and times, also of pandas; pandas.NaT has it too
        text = value.isoformat()
        return None if text == "NaT" else text
    return None if type(value).__name__ == "NAType" else _convert_scalar(value)  # pandas.NA


def _convert_scalar(value: Any) -> str | float | None:
    if value is None or isinstance(value, (str, int)):
        return value
    if not isinstance(value, (float, Decimal)):  # a Decimal of a database
        return str(value)
    number = float(value)
    if math.isfinite(number):
        return number
    return None if math.isnan(number) else str(number)


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
    is_data = isinstance(value, (str, bytes, bytearray, memoryview, os.PathLike))
    return is_data or hasattr(value, "read") or hasattr(value, "save")


def check_types(items: Iterable[Any], is_valid: Callable[[Any], bool], description: str) -> None:
    """Check the type of each input.

    Raises:
        TypeError: the message contains the index of the first other input.
    """
    for index, item in enumerate(items):
        if not is_valid(item):
            raise TypeError(f"Input {index}: Expected {description}. Received: {type(item).__name__}.")
