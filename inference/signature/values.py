"""Validate the value of one feature."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from math import isfinite
from typing import TYPE_CHECKING, Any

from inference.errors import InvalidInput
from inference.messages import find_closest, quote_value
from inference.numbers import MAX_FLOAT, MAX_INTEGER

if TYPE_CHECKING:
    from inference.signature.feature import Feature

MAX_TEXT_LENGTH = 10_000  # characters
MIN_YEAR, MAX_YEAR = 1678, 2261  # pandas counts nanoseconds in 64 bits
SEPARATED_NUMBER_PATTERN = re.compile(r"[+-]?\d[\d.,'’ \u00a0\u202f]*[.,'’ \u00a0\u202f]\d+([eE][+-]?\d+)?", re.ASCII)
SEPARATOR_HINT = " Write the number without thousands separators and with a decimal point, such as 1234.5."
BOOLEAN_HINT = " Send 1 for true and 0 for false."
TOO_LARGE_HINT = " The number is too large for a model (float32)."


def read_value(feature: Feature, value: Any, *, hint: bool = True) -> Any:
    """Return the value as float, int, bool, or str.

    Args:
        hint: suggest the closest allowed value, which takes time.

    Raises:
        InvalidInput: with the code `wrong-type`, `not-finite`, `out-of-range`, `not-a-choice`, or `too-long`.
    """
    result = READERS[feature.type](feature, value)
    if feature.values and result not in feature.values:
        raise make_value_error(feature, "not-a-choice", value, _suggest_choice(feature, result) if hint else "")
    return result


def make_value_error(feature: Feature, code: str, value: Any, hint: str = "") -> InvalidInput:
    """Return an error with the expected and the received value."""
    has_example = feature.example is not None and not feature.values
    example = f", such as {quote_value(feature.example)}" if has_example else ""
    message = f"Expected {feature.describe()}{example}. Received: {quote_value(value)}.{hint}"
    return InvalidInput(message, code=code, field=feature.name)


def check_text(value: str, *, field: str, max_length: int = MAX_TEXT_LENGTH) -> str:
    """Return the text, or raise `InvalidInput` if it is too long or cannot be stored."""
    if len(value) > max_length:
        raise InvalidInput(
            f"Expected text of at most {max_length:,} characters. Received: {len(value):,}.", code="too-long", field=field
        )
    if "\0" in value or value.encode("utf-8", "ignore").decode() != value:
        raise InvalidInput("Expected text without NUL characters or unpaired surrogates.", code="wrong-type", field=field)
    return value


def _suggest_choice(feature: Feature, value: Any) -> str:
    closest = find_closest(value, feature.values) if isinstance(value, str) else None
    return "" if closest is None else f" Did you mean {quote_value(closest)}?"


def _suggest_format(value: Any) -> str:
    if isinstance(value, bool):
        return BOOLEAN_HINT
    is_separated = isinstance(value, str) and SEPARATED_NUMBER_PATTERN.fullmatch(value.strip())
    return SEPARATOR_HINT if is_separated else ""


def _read_float(feature: Feature, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise make_value_error(feature, "wrong-type", value, _suggest_format(value))
    try:
        number = float(value)
    except OverflowError:
        raise make_value_error(feature, "out-of-range", value, TOO_LARGE_HINT) from None
    if not isfinite(number):
        raise make_value_error(feature, "not-finite", value)
    if abs(number) > MAX_FLOAT:
        raise make_value_error(feature, "out-of-range", value, TOO_LARGE_HINT)
    if _is_out_of_range(feature, number):
        raise make_value_error(feature, "out-of-range", value)
    return number


def _read_integer(feature: Feature, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        is_whole = isinstance(value, float) and value.is_integer() and abs(value) <= MAX_INTEGER
        is_fixable = is_whole and not _is_out_of_range(feature, value)
        hint = f" Send {int(value)}, without a decimal point." if is_fixable else _suggest_format(value)
        raise make_value_error(feature, "wrong-type", value, hint)
    if abs(value) > MAX_INTEGER:
        raise make_value_error(feature, "out-of-range", value, f" The largest allowed integer is {MAX_INTEGER:,}.")
    if _is_out_of_range(feature, value):
        raise make_value_error(feature, "out-of-range", value)
    return int(value)


def _is_out_of_range(feature: Feature, number: float) -> bool:
    return (feature.min is not None and number < feature.min) or (feature.max is not None and number > feature.max)


def _read_boolean(feature: Feature, value: Any) -> bool:
    if not isinstance(value, bool):
        raise make_value_error(feature, "wrong-type", value)
    return value


def _read_text(feature: Feature, value: Any) -> str:
    if not isinstance(value, str):
        raise make_value_error(feature, "wrong-type", value)
    return check_text(value, field=feature.name)


def is_storable(text: str) -> bool:
    """Return whether every database can store the text: no NUL characters and no unpaired surrogates."""
    return "\0" not in text and text.encode("utf-8", "ignore").decode() == text


def _read_datetime(feature: Feature, value: Any) -> str:
    """Return an ISO 8601 date and time as text in UTC without an offset. A time without an offset is UTC."""
    try:
        moment = datetime.fromisoformat(value.strip()) if isinstance(value, str) else None
        if moment is not None and moment.tzinfo is not None:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        moment = None
    if moment is None:
        raise make_value_error(feature, "wrong-type", value)
    if not MIN_YEAR <= moment.year <= MAX_YEAR:
        raise make_value_error(feature, "out-of-range", value, f" The year must be from {MIN_YEAR} to {MAX_YEAR}.")
    return moment.isoformat()


READERS: dict[str, Callable[[Feature, Any], Any]] = {
    "float": _read_float,
    "integer": _read_integer,
    "boolean": _read_boolean,
    "category": _read_text,
    "text": _read_text,
    "datetime": _read_datetime,
}
