"""From what a caller sent as features to a validated row: every mistake named, all of them at once."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from typing import Any

import rfc8785

from inference.errors import InvalidFeatures, InvalidInput
from inference.signature import Feature, TableInput
from inference.signature.feature import MAX_NAME, nearest, show

FLOAT = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
INTEGER = re.compile(r"[+-]?\d{1,300}", re.ASCII)
BOOLEANS = {"true": True, "false": False}
MOST_NAMED = 12  # features that a message lists
DELIMITERS = "\t;,"
QUOTED = re.compile(r'"[^"]*"')

Row = dict[str, Any]


def read_features(given: Any, table: TableInput, *, order: Sequence[str] | None = None) -> Row:
    """Return a row with every feature of the signature, in its order.

    Args:
        given: an object of values by feature name, or a list in the signature's order, then with `order`.
        order: the names that the caller believes the list to be in.

    Raises:
        InvalidFeatures: with one error for each feature that is unknown, missing or wrong.
        InvalidInput: when it is neither an object nor such a list.
    """
    if isinstance(given, list | tuple):
        if given and all(isinstance(item, list | tuple | Mapping) for item in given):
            raise InvalidInput(
                "Expected one row in each request. Received: a list of them.", code="wrong-type", field="features"
            )
        given = _by_name(given, table, order)
    elif order is not None:
        raise InvalidInput(
            "Expected feature_order beside a list of features only.", code="wrong-order", field="feature_order"
        )
    if not isinstance(given, Mapping):
        raise InvalidInput(
            "Expected an object of features by name, or a list with feature_order.", code="wrong-type", field="features"
        )
    row, errors = _read_each(given, table)
    if errors:
        raise InvalidFeatures(errors)
    return row


def stand_in_row(table: TableInput) -> Row:
    """Return a row of examples, defaults and middles of ranges, for trying a model out."""
    return {feature.name: feature.stand_in() for feature in table.features}


def canonical_json(features: Mapping[str, Any]) -> bytes:
    """Return the features as RFC 8785 (JCS) writes them, the same bytes for the same row whatever stored it.

    Databases do not keep 5.0 from 5; JCS does not tell them apart.
    """
    return rfc8785.dumps({name: float(value) if _is_number(value) else value for name, value in features.items()})


def from_texts(texts: Mapping[str, str], table: TableInput) -> Row:
    """Return what a form or a CSV line says as values; what makes no sense stays a text, for `read_features` to refuse."""
    types = {feature.name: feature for feature in table.features}
    row = {name: _from_text(text, types[name]) if name in types else text for name, text in texts.items()}
    return {name: value for name, value in row.items() if value is not None}


def from_csv_line(text: str, table: TableInput) -> dict[str, str]:
    """Return the texts of a pasted line by feature name: of values in the signature's order, or of a header and values.

    Commas, semicolons and tabs separate; quotes quote.

    Raises:
        InvalidInput: when the number of values is not that of the names.
    """
    lines = [line for line in text.strip("\ufeff\r\n").splitlines(keepends=True) if line.strip()]
    bare = QUOTED.sub("", text)
    delimiter = next((mark for mark in DELIMITERS if mark in bare), ",")
    try:
        rows = [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=delimiter, strict=True)]
    except csv.Error as error:
        raise InvalidInput(f"The line is not CSV: {error}.", code="malformed-csv", field="csv") from error
    if len(rows) not in (1, 2):
        raise InvalidInput(
            f"Expected one line of values, or a header and one line. Received: {len(rows)} lines.",
            code="malformed-csv",
            field="csv",
        )
    names = rows[0] if len(rows) == 2 else table.names
    if len(set(names)) < len(names):
        raise InvalidInput("Expected different names in the header.", code="malformed-csv", field="csv")
    if len(rows[-1]) != len(names):
        raise InvalidInput(
            f"Expected {len(names)} values: {_listed(names)}. Received: {len(rows[-1])}.", code="wrong-count", field="csv"
        )
    return dict(zip(names, rows[-1], strict=True))


def _by_name(values: Sequence[Any], table: TableInput, order: Sequence[str] | None) -> Row:
    names = table.names
    if order is None:
        raise InvalidInput(
            f"Expected feature_order beside a list of features: {_listed(names)}. Or send an object of features by name.",
            code="required",
            field="feature_order",
        )
    for position, (ours, theirs) in enumerate(zip(names, order, strict=False), 1):
        if ours != theirs:
            raise InvalidInput(
                f"Expected feature_order to be the model's: {_listed(names)}. Received {theirs!r:.120} "
                f"at position {position} instead of {ours!r}.",
                code="wrong-order",
                field="feature_order",
            )
    for field, received in (("feature_order", order), ("features", values)):
        if len(received) != len(names):
            raise InvalidInput(
                f"Expected {len(names)} items: {_listed(names)}. Received: {len(received)}.", code="wrong-count", field=field
            )
    return dict(zip(names, values, strict=True))


def _read_each(given: Mapping[str, Any], table: TableInput) -> tuple[Row, list[InvalidInput]]:
    names = table.names
    missing = [feature.name for feature in table.features if given.get(feature.name) is None]
    known = set(names)
    unknown = [name for name in given if name not in known]
    meant = {name: nearest(name, missing) or nearest(name, names) for name in unknown[:MOST_NAMED]}
    errors = [_unknown(name, near, names) for name, near in meant.items()]
    if len(unknown) > MOST_NAMED:
        errors.append(InvalidInput(f"And {len(unknown) - MOST_NAMED:,} more.", code="unknown-feature", field=""))
    row: Row = {}
    for feature in table.features:
        try:
            row[feature.name] = _read_one(feature, given.get(feature.name), hint=len(errors) < MOST_NAMED)
        except InvalidInput as error:
            # What is misspelt is told once: as unknown, with what was meant.
            if error.code != "required" or feature.name not in meant.values():
                errors.append(error)
    return row, errors


def _read_one(feature: Feature, value: Any, *, hint: bool) -> Any:
    if value is not None:
        return feature.read(value, hint=hint)
    if feature.required:
        such_as = f", such as {show(feature.example)}" if feature.example is not None and not feature.values else ""
        raise InvalidInput(f"Missing. Expected {feature.expected()}{such_as}.", code="required", field=feature.name)
    return feature.default


def _unknown(name: str, near: str | None, names: Sequence[str]) -> InvalidInput:
    hint = f"Did you mean {near!r}?" if near else f"The features are {_listed(names)}."
    return InvalidInput(f"There is no feature {name!r:.120}. {hint}", code="unknown-feature", field=name[:MAX_NAME])


def _listed(names: Sequence[str]) -> str:
    more = f" … ({len(names)} in all)" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more


def _from_text(text: str, feature: Feature) -> Any:
    text = text.strip() if feature.type != "text" else text
    if not text:
        return None
    if feature.type in ("float", "integer") and INTEGER.fullmatch(text):
        return int(text)
    if feature.type in ("float", "integer") and FLOAT.fullmatch(text):
        return float(text)
    return BOOLEANS.get(text.lower(), text) if feature.type == "boolean" else text


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
