"""Request bodies, read strictly: what a database or a model could choke on is refused here."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from typing import Any, NoReturn

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

MAX_DEPTH = 32  # of nested objects and lists


class StrictJSONParser(BaseParser):
    """JSON as RFC 8259 has it: UTF-8, finite numbers, bounded in depth, no NUL and no lone surrogate in text.

    Its size is bounded before, by `RequestSizeMiddleware`.
    """

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        value = read_json(stream.read())
        if not isinstance(value, dict):
            raise ParseError("Expected a JSON object in the body.", code="not-an-object")
        return value


def read_json(data: bytes) -> Any:
    """Return what strict JSON says.

    Raises:
        ParseError: with the code `malformed-json`, `too-deep` or `out-of-range`.
    """
    try:
        value = json.loads(data.decode("utf-8"), parse_constant=_refuse_constant, object_pairs_hook=_without_twins)
    except RecursionError as error:
        raise _too_deep() from error
    except ValueError as error:
        raise ParseError(f"The body is not valid JSON: {error}", code="malformed-json") from error
    _check(value)
    return value


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twin = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise ValueError(f"the key {twin!r:.100} stands twice in one object")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _check(value: Any) -> None:
    pending = [(value, 1)]
    while pending:
        part, depth = pending.pop()
        if isinstance(part, dict | list):
            if depth > MAX_DEPTH:
                raise _too_deep()
            inner = [*part.keys(), *part.values()] if isinstance(part, dict) else part
            pending.extend((item, depth + 1) for item in inner)
        elif isinstance(part, str):
            _check_text(part)
        elif isinstance(part, float) and not math.isfinite(part):
            raise ParseError("A number in the body is too large for a double.", code="out-of-range")


def _check_text(text: str) -> None:
    if "\0" in text:
        raise ParseError("A text in the body contains NUL (\\u0000).", code="malformed-json")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ParseError("A text in the body contains half a surrogate pair.", code="malformed-json") from error


def _too_deep() -> ParseError:
    return ParseError(f"The body is nested deeper than {MAX_DEPTH} levels.", code="too-deep")
