"""Match the columns of a table with the features of a model, and convert its rows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext

from inference.errors import InvalidInput
from inference.messages import clean_name, find_closest, format_names
from inference.preprocessing import CellConverter, parse_strings
from inference.signature import TEXT_KEY, AnyInput, TableInput, TextInput, get_table_part
from predictions.tables.encodings import make_table_error
from predictions.tables.files import TableFile, TableRow

SEPARATORS_PATTERN = re.compile(r"[\s_-]+")
Mapped = dict[str, str | None]
"""The column of each feature, or None for a feature without a column."""


def get_job_table(signature_input: AnyInput) -> TableInput:
    """Return the features that a table must have for a model. The text of a text model is one feature.

    For a model that takes an image with features, the table also has a column with the names of the images.

    Raises:
        InvalidInput: the model takes images.
    """
    if isinstance(signature_input, TextInput):
        return TableInput(signature_input.features)
    if table := get_table_part(signature_input):
        return table
    raise make_table_error(gettext("The model takes images. Upload images, or a ZIP archive of images."), code="wrong-input")


def match_columns(columns: Sequence[str], table: TableInput, chosen: Mapping[str, str | None] | None = None) -> Mapped:
    """Return the column of each feature: the chosen one, or the one with the same name, or None.

    Names are compared exactly, then without case, spaces, hyphens, and underscores. A model of one feature takes the only
    column.

    Args:
        chosen: the column of some features by the name of the feature; None or empty for no column.

    Raises:
        InvalidInput: a chosen feature or column does not exist, or a column is used twice or is not unique.
    """
    chosen = chosen or {}
    _check_chosen(columns, table, chosen)
    taken = {column for column in chosen.values() if column}
    free = [column for column in dict.fromkeys(columns) if column and column not in taken]
    mapped: Mapped = {name: chosen[name] or None for name in table.names if name in chosen}
    exact = set(free)
    mapped |= {name: name for name in table.names if name not in mapped and name in exact}
    _match_similar(mapped, [column for column in free if column not in mapped.values()], table.names)
    if len(table.names) == len(columns) == 1 and table.names[0] not in chosen:
        mapped[table.names[0]] = columns[0]
    counts = Counter(columns)
    if duplicates := [column for column in mapped.values() if column and counts[column] > 1]:
        raise make_table_error(
            gettext("The names in the header must be unique. Duplicates: %(duplicates)s.")
            % {"duplicates": format_names(duplicates)}
        )
    return {name: mapped.get(name) for name in table.names}


def find_missing(mapped: Mapped, table: TableInput) -> list[str]:
    """Return the features that need a column but have none."""
    return [feature.name for feature in table.features if feature.required and not mapped.get(feature.name)]


def check_columns(columns: Sequence[str], mapped: Mapped, table: TableInput) -> None:
    """Check that each required feature has a column.

    Raises:
        InvalidInput: with the code `missing-columns`.
    """
    missing = find_missing(mapped, table)
    if not missing:
        return
    used = set(mapped.values())
    closest = find_closest(missing[0], [column for column in columns if column and column not in used])
    hint = (
        " "
        + gettext("Is %(missing)s the column %(closest)s?")
        % {"missing": clean_name(missing[0]), "closest": clean_name(closest)}
        if closest
        else ""
    )
    raise make_table_error(
        gettext("Missing columns: %(missing)s. The file has %(columns)s.")
        % {"missing": format_names(missing), "columns": format_names(columns)}
        + hint,
        code="missing-columns",
    )


class RowConverter:
    """Convert the rows of a table to the parts of an input, `features` or `text`.

    Args:
        decimal_mark: the mark that the numbers of earlier rows have; empty if it is not known yet.
    """

    def __init__(self, file: TableFile, mapped: Mapped, signature_input: AnyInput, decimal_mark: str = "") -> None:
        self.columns = file.columns
        self._table = get_job_table(signature_input)
        self._is_text = isinstance(signature_input, TextInput)
        features = {column: name for name, column in mapped.items() if column}
        self._names = [features.get(column, "") for column in file.columns]
        self._cells = CellConverter(self._table, self._names, file.delimiter)
        self._cells.decimal_mark = decimal_mark

    @property
    def decimal_mark(self) -> str:
        return self._cells.decimal_mark

    def convert(self, row: TableRow) -> dict[str, Any]:
        """Return the features or the text of a row, which are not validated yet.

        Raises:
            InvalidInput: the row cannot be read, or mixes decimal commas and points.
        """
        if row.error:
            raise row.error
        texts = self._cells.convert(row.cells)
        texts.pop("", None)
        if self._is_text:
            return {"text": texts[TEXT_KEY]}
        return {"features": parse_strings(texts, self._table)}


def _check_chosen(columns: Sequence[str], table: TableInput, chosen: Mapping[str, str | None]) -> None:
    known_names, known_columns = set(table.names), set(columns)
    for name, column in chosen.items():
        if name not in known_names:
            raise InvalidInput(
                gettext("The model has no feature %(name)s.") % {"name": clean_name(name)},
                code="unknown-feature",
                field="mapping",
            )
        if column and column not in known_columns:
            raise InvalidInput(
                gettext("The file has no column %(column)s.") % {"column": clean_name(column)},
                code="unknown-column",
                field="mapping",
            )
    repeated = [column for column, count in Counter(filter(None, chosen.values())).items() if count > 1]
    if repeated:
        raise InvalidInput(
            gettext("Choose each column for one feature only. Chosen more than once: %(repeated)s.")
            % {"repeated": format_names(repeated)},
            code="duplicate-column",
            field="mapping",
        )


def _match_similar(mapped: Mapped, columns: Sequence[str], names: Sequence[str]) -> None:
    """Add columns that have the name of a feature except for case and separators, and are the only such column."""
    by_folded: dict[str, list[str]] = {}
    for column in columns:
        by_folded.setdefault(fold_name(column), []).append(column)
    waiting = [name for name in names if name not in mapped]
    counts = Counter(map(fold_name, waiting))
    for name in waiting:
        matches = by_folded.get(fold_name(name), [])
        if len(matches) == 1 and counts[fold_name(name)] == 1:
            mapped[name] = matches[0]


def fold_name(name: str) -> str:
    """Return a name without case and separators, to compare it."""
    return SEPARATORS_PATTERN.sub("", name).casefold()
