"""Read an inference request: the JSON object, the input tensors, and the outputs that the client requests."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from core.api.parsers import parse_json
from inference.errors import InvalidInput
from inference.messages import format_bytes
from inference.signature.table import MAX_FEATURES
from predictions.api.v2.tensors import (
    Tensor,
    check_datatype,
    get_parameters,
    make_tensor_error,
    read_binary_tensor,
    read_json_tensor,
    read_shape,
)
from predictions.models.prediction import MAX_CLIENT_REFERENCE_CHARACTERS

HEADER_LENGTH = "Inference-Header-Content-Length"
# A string without its second quotation mark extends to the end. Otherwise, the time would be quadratic.
JSON_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
MAX_INPUTS = MAX_FEATURES + 1  # with the image
LONG_STRING_BYTES = 256  # in memory, these strings take as much as in JSON: images as base64


@dataclass(frozen=True, slots=True)
class RequestedOutput:
    """An output that the client requests, as binary data or in JSON."""

    name: str
    is_binary: bool


@dataclass(frozen=True, slots=True)
class InferenceRequest:
    """A parsed request.

    Args:
        id: the client's own id; empty if it sends none.
        outputs: None for all outputs.
        is_binary: whether outputs are returned as binary data, unless the output has its own parameter.
    """

    id: str
    tensors: tuple[Tensor, ...]
    outputs: tuple[RequestedOutput, ...] | None
    is_binary: bool


def read_request(body: bytes, *, header_length: str | None) -> InferenceRequest:
    """Read the body of a request.

    Args:
        header_length: the header `Inference-Header-Content-Length`: the size of the JSON object in bytes, before the binary
            data; None if the body is only JSON.

    Raises:
        InvalidInput: a part of the request is invalid.
        ParseError: the JSON is malformed.
    """
    size = len(body) if header_length is None else _read_size(header_length, len(body))
    _check_json_size(body, size)
    request = parse_json(body[:size])
    if not isinstance(request, dict):
        raise _make_error("The body must be a JSON object with inputs.")
    is_binary = _read_flag(get_parameters(request, "the request"), "binary_data_output", default=False)
    tensors = _read_tensors(request.get("inputs"), memoryview(body)[size:])
    outputs = _read_outputs(request.get("outputs"), is_binary=is_binary)
    return InferenceRequest(_read_id(request.get("id")), tensors, outputs, is_binary)


def _make_error(message: str) -> InvalidInput:
    return InvalidInput(message, code="invalid-request")


def _check_json_size(body: bytes, size: int) -> None:
    """Check the size of the JSON without long strings, before it is parsed: numbers take up to 30 times the memory."""
    limit = settings.MAX_BATCH_JSON_BYTES
    if size <= limit:
        return
    long_bytes = 0
    for match in JSON_STRING.finditer(body, 0, size):
        length = match.end() - match.start()
        if length >= LONG_STRING_BYTES and match[0].isascii():
            long_bytes += length
        elif match.end() - long_bytes > limit:  # reading on could take seconds
            break
    if size - long_bytes > limit:
        raise InvalidInput(
            f"Expected at most {format_bytes(limit)} of JSON without its images. Send the tensors as binary data, or send "
            "several requests.",
            code="request-too-large",
        )


def _read_size(header: str, limit: int) -> int:
    if not (header.isascii() and header.isdigit() and len(header) <= len(str(limit)) and int(header) <= limit):
        raise _make_error(
            f"Expected {HEADER_LENGTH} to be the size of the JSON object in bytes, at most the {limit:,} bytes of the body. "
            f"Received: {header[:50]!r}"
        )
    return int(header)


def _read_id(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > MAX_CLIENT_REFERENCE_CHARACTERS:
        raise _make_error(f"Expected id to be a string of at most {MAX_CLIENT_REFERENCE_CHARACTERS} characters.")
    return value


def _read_flag(parameters: Mapping[str, Any], name: str, *, default: bool) -> bool:
    value = parameters.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise _make_error(f"Expected {name} to be true or false. Received: {value!r:.100}")
    return value


def _read_list(value: Any, name: str) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(
        isinstance(item, dict) and isinstance(item.get("name"), str) for item in value
    ):
        raise _make_error(f"Expected {name} to be a list of objects with a name.")
    names = [item["name"] for item in value]
    if len(set(names)) < len(names):
        raise _make_error(f"The names of {name} must be unique.")
    return value


def _read_tensors(value: Any, binary: memoryview) -> tuple[Tensor, ...]:
    items = _read_list(value, "inputs")
    if not 1 <= len(items) <= MAX_INPUTS:
        raise _make_error(f"Expected 1 to {MAX_INPUTS:,} inputs. Received: {len(items):,}.")
    tensors = []
    for item in items:
        size = _read_binary_size(item, len(binary))
        tensors.append(_read_tensor(item, None if size is None else binary[:size]))
        binary = binary[size or 0 :]
    if binary:
        raise _make_error(
            f"The body has {len(binary):,} bytes of binary data more than the inputs declare in binary_data_size."
        )
    return tuple(tensors)


def _read_binary_size(item: Mapping[str, Any], available: int) -> int | None:
    name = item["name"]
    size = get_parameters(item, f"input {name[:100]}").get("binary_data_size")
    if size is None:
        return None
    if type(size) is not int or not 0 <= size <= available:
        raise make_tensor_error(
            name,
            f"Expected binary_data_size to be at most {available:,}, the number of bytes after the JSON object. The header "
            f"{HEADER_LENGTH} must be the size of the JSON object. Received: {size!r:.50}",
        )
    return size


def _read_tensor(item: Mapping[str, Any], binary: memoryview | None) -> Tensor:
    name = item["name"]
    datatype = check_datatype(name, item.get("datatype"))
    shape = read_shape(name, item.get("shape"))
    data = item.get("data")
    if binary is None:
        return read_json_tensor(name, datatype, shape, data)
    if data is not None:
        raise make_tensor_error(name, "Expected either data or binary_data_size. Received: both.")
    return read_binary_tensor(name, datatype, shape, binary)


def _read_outputs(value: Any, *, is_binary: bool) -> tuple[RequestedOutput, ...] | None:
    if not value and (value is None or isinstance(value, list)):
        return None
    outputs = []
    for item in _read_list(value, "outputs"):
        parameters = get_parameters(item, f"output {item['name'][:100]}")
        if parameters.get("classification"):
            raise _make_error("The classification extension is not supported. Request the outputs label and scores.")
        outputs.append(RequestedOutput(item["name"], _read_flag(parameters, "binary_data", default=is_binary)))
    return tuple(outputs)
