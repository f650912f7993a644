"""Strict parsing of request bodies. Values that a database or a model cannot handle are rejected here."""

from __future__ import annotations

import codecs
import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Mapping
from io import BytesIO
from typing import IO, Any, NoReturn

from django.conf import settings
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from rest_framework.exceptions import APIException, ParseError, ValidationError
from rest_framework.parsers import BaseParser, DataAndFiles, MultiPartParser

from core.api.multipart import split_plain_parts
from core.errors import InvalidItem
from inference.messages import format_bytes

MAX_NESTING_LEVELS = 32  # of objects and lists
GZIP_START = b"\x1f\x8b"
ENCODED_IMAGE = re.compile(rb'"(?:image|file)"\s*:\s*"([^"\x80-\xff]*)')  # base64 has no quotation marks


class JSONTooLarge(APIException):
    """A JSON body in which more than the images is large."""

    status_code = 413
    default_code = "request-too-large"


class StrictJSONParser(BaseParser):
    """Parse JSON as RFC 8259 defines it: UTF-8, finite numbers, limited nesting, no NUL characters, no unpaired surrogates.

    `RequestSizeMiddleware` has already limited the size of the body to that of JSON with an image.
    """

    media_type = "application/json"
    item_lists: frozenset[str] = frozenset()  # see parse_json

    def get_max_bytes(self) -> int:
        """Return the maximum size without images."""
        limit: int = settings.MAX_JSON_BYTES
        return limit

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        data = stream.read()
        check_json_size(data, self.get_max_bytes())
        value = parse_json(data, item_lists=self.item_lists)
        if not isinstance(value, dict):
            raise ParseError("The body must be a JSON object.", code="not-an-object")
        return value


class BatchJSONParser(StrictJSONParser):
    """Parse JSON with many inputs."""

    item_lists = frozenset({"features", "text", "items", "client_reference"})

    def get_max_bytes(self) -> int:
        limit: int = settings.MAX_BATCH_JSON_BYTES
        return limit


class PlainFormParser(MultiPartParser):
    """Parse `multipart/form-data` with many parts: plain bodies without Django's parser, which takes 0.2 ms per part."""

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Return the values of all parts, texts and files in the order of the body.

        Raises:
            ValidationError: `not-a-file`: Django's parser has read texts and files with the same name, without their order.
        """
        body = stream.read()
        parts = split_plain_parts(body, media_type or "")
        if parts is None:
            parsed: Any = super().parse(BytesIO(body), media_type, parser_context)
            if mixed := parsed.data.keys() & parsed.files.keys():
                raise ValidationError(dict.fromkeys(mixed, "Send all parts with this name as files."), code="not-a-file")
            return parsed
        values: Any = QueryDict(mutable=True)
        for name, value in parts:
            values.appendlist(name, value)
        return DataAndFiles(values, MultiValueDict[str, Any]())


def check_json_size(data: bytes, max_bytes: int | None = None) -> None:
    """Check the size of JSON without its images, before it is parsed: parsed numbers take up to 30 times the memory.

    An image is the value of a key `image` or `file`: ASCII without Unicode escapes. If a match is not such a value, the text
    is not valid JSON from there on, so that the parser stops there.

    Args:
        max_bytes: the maximum size of the rest; if omitted, `MAX_JSON_BYTES`.

    Raises:
        JSONTooLarge: the rest is larger.
    """
    max_bytes = max_bytes or settings.MAX_JSON_BYTES
    if len(data) <= max_bytes:
        return
    image_bytes = 0
    for match in ENCODED_IMAGE.finditer(data):
        start, end = match.span(1)
        if data.find(b"\\u", start, end) < 0:
            image_bytes += end - start
        if end - image_bytes > max_bytes:  # reading on could take seconds
            break
    if len(data) - image_bytes > max_bytes:
        raise JSONTooLarge(f"The JSON is too large. The limit is {format_bytes(max_bytes)}, not counting encoded images.")


def parse_json_part(part: bytes | str, name: str | None) -> Any:
    """Parse strict JSON in a part of a form.

    Args:
        name: of the part, for error messages.

    Raises:
        JSONTooLarge: it is larger than `MAX_JSON_BYTES`.
        ParseError: as `parse_json` raises it.
    """
    data = part.encode("utf-8", "replace") if isinstance(part, str) else part
    if len(data) > settings.MAX_JSON_BYTES:
        raise JSONTooLarge(f"The JSON in {name} is too large. The limit is {format_bytes(settings.MAX_JSON_BYTES)}.")
    return parse_json(data, subject=f"The part {name}")


def parse_json(data: bytes, *, subject: str = "The body", item_lists: frozenset[str] = frozenset()) -> Any:
    """Parse strict JSON. A byte order mark is ignored, as RFC 8259, section 8.1, allows.

    Args:
        subject: what contains the JSON, for error messages.
        item_lists: names of lists in the outermost object. An item with text or a number that cannot be stored becomes an
            `InvalidItem`, so that it does not affect the others.

    Raises:
        ParseError: with the code `malformed-json`, `too-deep`, or `out-of-range`.
    """
    try:
        value = json.loads(
            data.removeprefix(codecs.BOM_UTF8).decode("utf-8"),
            parse_constant=_reject_constant,
            object_pairs_hook=_build_object,
        )
    except RecursionError as error:
        raise _build_nesting_error(subject) from error
    except ValueError as error:
        raise ParseError(
            f"{subject} is not valid JSON: {_describe_json_error(data, error)}", code="malformed-json"
        ) from error
    try:
        _validate_value(value, subject)
    except ParseError:
        if not isinstance(value, dict) or item_lists.isdisjoint(value):
            raise
        value = _replace_invalid_items(value, item_lists, data)
        _validate_value(value, subject)
    return value


def _replace_invalid_items(body: dict[str, Any], item_lists: frozenset[str], data: bytes) -> dict[str, Any]:
    digest = hashlib.sha256(data).hexdigest()

    def check(item: Any) -> Any:
        try:
            _validate_value(item, "The item")
        except ParseError as error:
            return InvalidItem(str(error.detail), code=str(error.get_codes()), digest=digest)
        return item

    return {
        name: [check(item) for item in value] if name in item_lists and isinstance(value, list) else value
        for name, value in body.items()
    }


def _describe_json_error(data: bytes, error: ValueError) -> str:
    if data.startswith(GZIP_START):
        return "it is compressed. Send the header Content-Encoding: gzip, or send the body as it is."
    if isinstance(error, UnicodeDecodeError):
        return f"it is not UTF-8 (byte {error.object[error.start]:#04x} at position {error.start:,}). Encode it as UTF-8."
    if data.startswith(codecs.BOM_UTF8 * 2):
        return "it starts with two byte order marks. Send at most one."
    if "digits" in str(error):  # Python's limit, whose message describes how to change it
        return "it contains a number with thousands of digits. Send numbers that a float or a 64-bit integer can represent."
    return str(error)


def _build_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the pairs of a JSON object as a dictionary. Reject duplicate keys."""
    result = dict(pairs)
    if len(result) < len(pairs):
        duplicate = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise ValueError(f"duplicate key {duplicate!r:.100}")
    return result


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _validate_value(value: Any, subject: str) -> None:
    """Check nesting, text, and numbers, level by level. Each value waits in a list without a tuple of its own.

    8 MB of `[],[],…` take a third of the time and of the additional memory that a stack of values and depths takes.
    """
    level, depth = [value], 0
    while level:
        children: list[Any] = []
        depth += 1
        for part in level:
            if isinstance(part, str):
                _validate_text(part, subject)
            elif isinstance(part, dict | list):
                if depth > MAX_NESTING_LEVELS:
                    raise _build_nesting_error(subject)
                children += part
                if isinstance(part, dict):
                    children += part.values()
            elif isinstance(part, float) and not math.isfinite(part):
                raise ParseError(f"{subject} contains a number that is too large (above 1.8e308).", code="out-of-range")
        level = children


def _validate_text(text: str, subject: str) -> None:
    if "\0" in text:
        raise ParseError(f"{subject} contains text with a NUL character (\\u0000).", code="malformed-json")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ParseError(f"{subject} contains text with an unpaired surrogate.", code="malformed-json") from error


def _build_nesting_error(subject: str) -> ParseError:
    return ParseError(f"{subject} is nested too deeply. The limit is {MAX_NESTING_LEVELS} levels.", code="too-deep")
