"""Validate a row of features. All errors of a row are reported together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any

import rfc8785

from inference.errors import InvalidFeatures, InvalidInput
from inference.messages import MAX_LISTED_NAMES, MAX_SHOWN_NAME_LENGTH, find_closest, format_names, quote_value
from inference.numbers import FLOAT_PATTERN, INTEGER_PATTERN
from inference.signature import Feature, TableInput
from inference.signature.feature import NUMBER_TYPES
from inference.signature.values import read_value
from inference.types import Row

JSON_CONSTANTS = {None: "null", True: "true", False: "false"}
MIN_PLAIN_NUMBER, MAX_PLAIN_NUMBER = 1e-4, 1e15
MAX_CACHED_NAMES = 100
# In lower case, as Python, spreadsheets, and databases write them. pandas writes 1.0 in a column with missing values.
BOOLEANS = {"true": True, "false": False, "t": True, "f": False, "yes": True, "no": False}
BOOLEANS |= {"1": True, "0": False, "1.0": True, "0.0": False}


def read_features(data: Any, table: TableInput, *, order: Sequence[str] | None = None, hints: bool = True) -> Row:
    """Return a validated row with every feature of the signature, in its order.

    Args:
        data: an object of values by feature name, or a list in the signature's order together with `order`.
        order: the feature names, in the order of the values in the list.
        hints: suggest the closest names and values in errors, which takes time.

    Raises:
        InvalidFeatures: with one error for each unknown, missing, or invalid feature.
        InvalidInput: the data is neither an object nor such a list.
    """
    if isinstance(data, list | tuple):
        if data and all(isinstance(item, list | tuple | Mapping) for item in data):
            raise InvalidInput(
                "Expected one row per request. Received: a list of rows.", code="wrong-type", field="features"
            )
        data = _name_values(data, table, order)
    elif order is not None:
        raise InvalidInput(
            "Send feature_order only together with a list of features.", code="wrong-order", field="feature_order"
        )
    if not isinstance(data, Mapping):
        raise InvalidInput(
            "Expected an object of features by name, or a list with feature_order.", code="wrong-type", field="features"
        )
    row, errors = _validate_row(data, table, hints=hints)
    if errors:
        raise InvalidFeatures(errors)
    return row


def make_sample_row(table: TableInput) -> Row:
    """Return a valid row that consists of examples, defaults, and midpoints of ranges."""
    return {feature.name: feature.get_sample_value() for feature in table.features}


def to_canonical_json(features: Mapping[str, Any]) -> bytes:
    """Return the features as canonical JSON (RFC 8785, JCS). Equal rows give equal bytes.

    Databases do not preserve the difference between 5.0 and 5, and JCS writes both the same way.
    """
    return _dump_flat_row(features) or rfc8785.dumps(_unify_numbers(dict(features)))


def _dump_flat_row(features: Mapping[str, Any]) -> bytes | None:
    """Return the canonical JSON of a row of plain values, or None if the library must write it. Takes 2 instead of 12 µs.

    JavaScript and Python write a number in the same way if it is not very large or very close to zero.
    """
    prefixes = _sort_names(tuple(features))
    if not prefixes:
        return None
    parts = []
    for name, prefix in prefixes:
        value = features[name]
        kind = type(value)
        if kind is float or kind is int:
            number = float(value)
            if number == 0 or (MIN_PLAIN_NUMBER <= abs(number) < MAX_PLAIN_NUMBER):
                text = str(int(number)) if number.is_integer() else repr(number)
            else:
                return None
        elif kind is str:
            text = encode_basestring(value)
        elif value is None or kind is bool:
            text = JSON_CONSTANTS[value]
        else:
            return None
        parts.append(prefix + text)
    return f"{{{','.join(parts)}}}".encode()


@lru_cache(maxsize=256)
def _sort_names(names: tuple[str, ...]) -> list[tuple[str, str]] | None:
    """Return the names in their canonical order, with their JSON. None if there are many, or some are not ASCII."""
    if len(names) > MAX_CACHED_NAMES or not all(name.isascii() for name in names):
        return None
    return [(name, f"{encode_basestring(name)}:") for name in sorted(names)]


def parse_strings(strings: Mapping[str, str], table: TableInput) -> Row:
    """Convert the strings of a form or CSV row to values. Invalid strings stay, so that `read_features` rejects them."""
    features = {feature.name: feature for feature in table.features}
    row = {name: _parse_string(text, features[name]) if name in features else text for name, text in strings.items()}
    return {name: value for name, value in row.items() if value is not None}


def _name_values(values: Sequence[Any], table: TableInput, order: Sequence[str] | None) -> Row:
    names = table.names
    if order is None:
        raise InvalidInput(
            f"A list of features requires feature_order: {format_names(names)}. "
            "Alternatively, send an object of features by name.",
            code="required",
            field="feature_order",
        )
    for position, (expected, received) in enumerate(zip(names, order, strict=False), 1):
        if expected != received:
            raise InvalidInput(
                f"Expected feature_order to match the model: {format_names(names)}. Received {received!r:.120} "
                f"at position {position} instead of {expected!r:.120}.",
                code="wrong-order",
                field="feature_order",
            )
    for field, items in (("feature_order", order), ("features", values)):
        if len(items) != len(names):
            raise InvalidInput(
                f"Expected {len(names)} items: {format_names(names)}. Received: {len(items)}.",
                code="wrong-count",
                field=field,
            )
    return dict(zip(names, values, strict=True))


def _validate_row(data: Mapping[str, Any], table: TableInput, *, hints: bool) -> tuple[Row, list[InvalidInput]]:
    if (row := _read_plain_row(data, table)) is not None:
        return row, []
    names = table.names
    missing = [feature.name for feature in table.features if data.get(feature.name) is None]
    known = set(names)
    unknown = [name for name in data if name not in known]
    suggestions = {name: _find_closest(name, missing, names) if hints else None for name in unknown[:MAX_LISTED_NAMES]}
    errors = [_make_unknown_error(name, suggestion, names) for name, suggestion in suggestions.items()]
    if len(unknown) > MAX_LISTED_NAMES:
        errors.append(InvalidInput(f"And {len(unknown) - MAX_LISTED_NAMES:,} more.", code="unknown-feature", field=""))
    row = {}
    for feature in table.features:
        try:
            row[feature.name] = _read_value(feature, data.get(feature.name), hint=hints and len(errors) < MAX_LISTED_NAMES)
        except InvalidInput as error:
            # A misspelled feature is reported once: as unknown, with a suggestion, and not also as missing.
            if error.code != "required" or feature.name not in suggestions.values():
                errors.append(error)
    return row, errors


def _read_plain_row(data: Mapping[str, Any], table: TableInput) -> Row | None:
    """Return a row without errors in which each feature has a value, or None."""
    if len(data) != len(table.features):
        return None
    try:
        return {feature.name: read_value(feature, data[feature.name], hint=False) for feature in table.features}
    except (KeyError, InvalidInput):
        return None


def _find_closest(name: str, missing: Sequence[str], names: Sequence[str]) -> str | None:
    closest: str | None = find_closest(name, missing) or find_closest(name, names)
    return closest


def _read_value(feature: Feature, value: Any, *, hint: bool) -> Any:
    if value is not None:
        return feature.read(value, hint=hint)
    if feature.required:
        has_example = feature.example is not None and not feature.values
        example = f", such as {quote_value(feature.example)}" if has_example else ""
        raise InvalidInput(f"Missing. Expected {feature.describe()}{example}.", code="required", field=feature.name)
    return feature.default


def _make_unknown_error(name: str, suggestion: str | None, names: Sequence[str]) -> InvalidInput:
    hint = f"Did you mean {suggestion!r}?" if suggestion else f"The features are {format_names(names)}."
    return InvalidInput(
        f"There is no feature {name!r:.120}. {hint}", code="unknown-feature", field=name[:MAX_SHOWN_NAME_LENGTH]
    )


def _parse_string(text: str, feature: Feature) -> Any:
    if feature.type == "category" and text in feature.values:  # also one with spaces around it
        return text
    text = text.strip() if feature.type != "text" else text
    if not text:
        return None
    if feature.type in NUMBER_TYPES and INTEGER_PATTERN.fullmatch(text):
        return int(text)
    if feature.type in NUMBER_TYPES and FLOAT_PATTERN.fullmatch(text):
        return float(text)
    return BOOLEANS.get(text.lower(), text) if feature.type == "boolean" else text


def _unify_numbers(value: Any) -> Any:
    """Return the value with all numbers as float."""
    if isinstance(value, dict):
        return {name: _unify_numbers(part) for name, part in value.items()}
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
