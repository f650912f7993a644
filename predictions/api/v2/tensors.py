"""The input tensors of a request: read from JSON, or from binary data after the JSON.

https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from math import prod
from typing import Any

import numpy as np
from django.conf import settings

from inference.errors import InvalidInput
from inference.messages import clean_name
from inference.types import AnyArray

BYTES = "BYTES"
TEXT_PARAMETERS = {"content_type": "str"}  # as MLServer names the encoding of the elements
DTYPES = {
    "BOOL": "?", "UINT8": "<u1", "UINT16": "<u2", "UINT32": "<u4", "UINT64": "<u8", "INT8": "<i1", "INT16": "<i2",
    "INT32": "<i4", "INT64": "<i8", "FP16": "<f2", "FP32": "<f4", "FP64": "<f8",
}  # fmt: skip
DATATYPES = (*DTYPES, BYTES)
MAX_DIMENSIONS = 8
MAX_NAME_CHARACTERS = 100  # of a name in an error message
LENGTH_BYTES = 4  # of the length before each element of binary BYTES


@dataclass(frozen=True, slots=True)
class Tensor:
    """One input tensor.

    Args:
        data: the elements in row-major order, without dimensions: an array of numbers, or a list. A list has bytes (binary
            BYTES), strings (BYTES in JSON), whole numbers, or booleans. None is null in JSON.
    """

    name: str
    datatype: str
    shape: tuple[int, ...]
    data: AnyArray | list[Any] = field(repr=False)

    def list_values(self) -> list[Any]:
        """Return the elements as plain values. NaN and null are None.

        A float of 16 or 32 bits gets the fewest digits that identify it, 5.1 instead of 5.099999904632568: the number that
        the client sends in JSON.
        """
        if not isinstance(self.data, np.ndarray):
            return self.data
        if self.datatype in ("FP16", "FP32"):
            return [None if number != number else float(str(number)) for number in self.data]  # noqa: PLR0124
        if self.datatype == "FP64":
            return [None if number != number else number for number in self.data.tolist()]  # noqa: PLR0124
        return self.data.tolist()


def make_tensor_error(name: str, message: str, code: str = "invalid-tensor") -> InvalidInput:
    return InvalidInput(f"Input {clean_name(name)[:MAX_NAME_CHARACTERS]}: {message}", code=code, field=name)


def read_shape(name: str, value: Any) -> tuple[int, ...]:
    """Return the shape of an input, or raise `InvalidInput`."""
    is_list = isinstance(value, list) and 1 <= len(value) <= MAX_DIMENSIONS
    if not is_list or not all(type(size) is int and 0 <= size < 2**63 for size in value):
        raise make_tensor_error(
            name,
            f"Expected shape to be a list of 1 to {MAX_DIMENSIONS} whole numbers of at least 0. Received: {value!r:.100}",
        )
    return tuple(value)


def check_datatype(name: str, value: Any) -> str:
    """Return the datatype of an input, or raise `InvalidInput`."""
    if value == "BF16":
        raise make_tensor_error(name, "BF16 is not supported. Convert the tensor to FP32.")
    if not isinstance(value, str) or value not in DATATYPES:
        raise make_tensor_error(name, f"Expected datatype to be one of {', '.join(DATATYPES)}. Received: {value!r:.100}")
    return value


def read_binary_tensor(name: str, datatype: str, shape: tuple[int, ...], data: memoryview) -> Tensor:
    """Read a tensor from binary data: little-endian numbers, or for BYTES, each element after its length.

    Raises:
        InvalidInput: the data does not have the size that the shape requires.
    """
    if datatype == BYTES:
        return Tensor(name, datatype, shape, _split_elements(name, data, prod(shape)))
    dtype = np.dtype(DTYPES[datatype])
    expected = prod(shape) * dtype.itemsize
    if len(data) != expected:
        raise make_tensor_error(
            name, f"{datatype} of shape {list(shape)} has {expected:,} bytes. Received: {len(data):,} bytes of binary data."
        )
    if datatype == "BOOL" and bytes(data).strip(b"\0\1"):
        raise make_tensor_error(name, "Expected bytes of 0 or 1 for BOOL.")
    return Tensor(name, datatype, shape, np.frombuffer(data, dtype))


def _split_elements(name: str, binary: memoryview, count: int) -> list[bytes]:
    limit: int = settings.MAX_BATCH_VALUES
    data = bytes(binary)
    elements: list[bytes] = []
    offset = 0
    while offset < len(data) and len(elements) <= min(count, limit):
        start = offset + LENGTH_BYTES
        offset = start + int.from_bytes(data[offset:start], "little")
        if start > len(data) or offset > len(data):
            raise make_tensor_error(
                name,
                f"The binary data ends inside element {len(elements) + 1:,}. Each element follows its length (4 bytes).",
            )
        elements.append(data[start:offset])
    if count > limit and len(elements) > limit:
        raise make_tensor_error(name, f"Expected at most {limit:,} elements. Received: {count:,}.", "request-too-large")
    if len(elements) != count:
        received = f"more than {count:,}" if len(elements) > count else f"{len(elements):,}"
        raise make_tensor_error(name, f"Expected {count:,} elements for the shape. Received: {received}.")
    return elements


def read_json_tensor(name: str, datatype: str, shape: tuple[int, ...], data: Any) -> Tensor:
    """Read a tensor from JSON: nested lists of the shape, or one flat list in row-major order.

    Raises:
        InvalidInput: the number, the nesting, or the type of the elements is wrong.
    """
    values = _flatten(name, data, shape)
    if datatype == BYTES:
        _check_types(name, values, (str,), "strings")
        return Tensor(name, datatype, shape, values)
    if datatype == "BOOL":
        _check_types(name, values, (bool,), "true and false")
        return Tensor(name, datatype, shape, values)
    if datatype.startswith("FP"):
        _check_types(name, values, (int, float), "numbers")
        return Tensor(name, datatype, shape, _to_floats(name, values, datatype))
    _check_types(name, values, (int,), "whole numbers")
    return Tensor(name, datatype, shape, _to_integers(name, values, datatype))


def _flatten(name: str, data: Any, shape: Sequence[int]) -> list[Any]:
    if not isinstance(data, list):
        raise make_tensor_error(name, "Expected data to be a list, or binary_data_size in parameters.")
    if not any(isinstance(part, list) for part in data):
        if len(data) != prod(shape):
            raise make_tensor_error(
                name, f"Shape {list(shape)} has {prod(shape):,} elements. Received: {len(data):,} elements in data."
            )
        return data
    parts: list[Any] = [data]
    for size in shape:
        if not all(isinstance(part, list) and len(part) == size for part in parts):
            raise make_tensor_error(name, f"The nested lists in data do not have the shape {list(shape)}.")
        parts = list(chain.from_iterable(parts))
    if any(isinstance(part, list) for part in parts):
        raise make_tensor_error(name, f"The nested lists in data do not have the shape {list(shape)}.")
    return parts


def _check_types(name: str, values: list[Any], types: tuple[type, ...], description: str) -> None:
    allowed = {*types, type(None)}
    if {*map(type, values)} <= allowed:
        return
    index, value = next((index, value) for index, value in enumerate(values) if type(value) not in allowed)
    raise make_tensor_error(name, f"Expected {description} in data. Received at element {index + 1:,}: {value!r:.100}")


def _to_floats(name: str, values: list[Any], datatype: str) -> AnyArray:
    try:
        exact = np.array([np.nan if value is None else value for value in values], np.float64)
        with np.errstate(over="ignore"):
            numbers = exact.astype(DTYPES[datatype])
    except OverflowError:
        raise make_tensor_error(name, f"A number is too large for {datatype}.") from None
    if np.isinf(numbers).any():
        raise make_tensor_error(name, f"A number is too large for {datatype}.")
    return numbers


def _to_integers(name: str, values: list[Any], datatype: str) -> AnyArray | list[Any]:
    limits = np.iinfo(DTYPES[datatype])
    numbers = [value for value in values if value is not None]
    if numbers and (min(numbers) < limits.min or max(numbers) > limits.max):
        raise make_tensor_error(name, f"A number is out of range for {datatype} ({limits.min:,} to {limits.max:,}).")
    return np.array(numbers, DTYPES[datatype]) if len(numbers) == len(values) else values


def get_parameters(holder: Mapping[str, Any], owner: str) -> Mapping[str, Any]:
    """Return the parameters of a request, an input, or an output; empty if there are none."""
    parameters = holder.get("parameters")
    if parameters is None:
        return {}
    if not isinstance(parameters, dict):
        raise InvalidInput(f"Expected parameters of {owner} to be an object.", code="invalid-request")
    if "shared_memory_region" in parameters:
        raise InvalidInput(
            "Shared memory is not supported. Send the data in the request, as JSON or as binary data.",
            code="invalid-request",
        )
    return parameters
