"""Compute the reference ranges of features from rows of training data that a model folder brings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from inference.errors import InvalidInput, InvalidSignature
from inference.examples import Example
from inference.preprocessing import CsvReader, parse_strings
from inference.signature import Feature, ImageTabularInput, Signature, TableInput, get_table_part
from inference.signature.feature import NUMBER_TYPES

MIN_ROWS = 20  # quartiles of fewer rows say little about the training data
MAX_ROWS = 1_000_000  # that are read from a file
QUARTILES = (0.25, 0.5, 0.75)


def complete_reference_ranges(signature: Signature, *, background: Path | None, examples: Sequence[Example]) -> Signature:
    """Return the signature with the quartiles and bounds of the numbers that `model.toml` does not declare.

    Args:
        background: rows of the training data (CSV), from `background` in `model.toml`.
        examples: are used if there is no such file, and if they are not too few.

    Raises:
        InvalidSignature: the file is not a table with the features of the model, or the model takes no features.
    """
    table = get_table_part(signature.input)
    if table is None:
        if background:
            raise InvalidSignature("Only models that take rows of features can have background data in model.toml.")
        return signature
    rows: Iterable[Mapping[str, Any]] = (
        _read_background(background, table) if background else [example.features or {} for example in examples]
    )
    table = _complete_table(table, rows)
    if isinstance(signature.input, ImageTabularInput):
        return replace(signature, input=replace(signature.input, table=table))
    return replace(signature, input=table)


def _read_background(path: Path, table: TableInput) -> Iterator[Mapping[str, Any]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            for number, (line, row) in enumerate(CsvReader(file, table)):
                if isinstance(row, InvalidInput):
                    raise InvalidSignature(f"Line {line} of {path.name}: {row.message}")
                if number == MAX_ROWS:
                    return
                yield parse_strings(row, table)
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSignature(f"{path.name} cannot be read as UTF-8 text.") from error
    except InvalidInput as error:
        raise InvalidSignature(f"Expected {path.name} to contain rows of the model: {error.message}") from error


def _complete_table(table: TableInput, rows: Iterable[Mapping[str, Any]]) -> TableInput:
    numbers = [feature.name for feature in table.features if feature.type in NUMBER_TYPES and not feature.values]
    columns: dict[str, list[float]] = {name: [] for name in numbers}
    for row in rows:
        for name, values in columns.items():
            value = row.get(name)
            if isinstance(value, int | float) and not isinstance(value, bool):
                values.append(value)
    return replace(
        table, features=tuple(_complete_feature(feature, columns.get(feature.name, ())) for feature in table.features)
    )


def _complete_feature(feature: Feature, values: Sequence[float]) -> Feature:
    numbers = np.array(values, dtype=np.float64)
    numbers = numbers[np.isfinite(numbers)]
    if len(numbers) < MIN_ROWS or feature.quartiles or feature.observed:
        return feature
    quartiles = np.quantile(numbers, QUARTILES)
    return replace(
        feature,
        quartiles=tuple(float(number) for number in quartiles),
        observed=(float(numbers.min()), float(numbers.max())),
    )
