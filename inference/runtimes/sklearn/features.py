"""Describe the input columns of a model as features, with the keys of `model.toml`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from inference.messages import clean_name, format_names
from inference.runtimes.sklearn.columns import InputColumn, is_missing
from inference.signature.feature import MISSING_NONE, MISSING_NUMBER
from inference.types import UNKNOWN_KEY, UNUSED_KEY

EXAMPLE_DIGITS = 4
CATEGORY_TYPES = ((bool, "boolean"), (str, "category"), (int, "integer"), (int | float, "float"))


def describe_column(column: InputColumn, *, has_names: bool) -> dict[str, Any]:
    """Return a feature. `UNKNOWN_KEY` maps each key that the user must state to the reason.

    Args:
        has_names: whether the model was fitted on a data frame. An array without names contains numbers unless a step
            shows otherwise.
    """
    if not column.is_used:
        return {"name": column.name, "required": False, UNUSED_KEY: True}
    feature: dict[str, Any] = {"name": column.name}
    unknown: dict[str, str] = {}
    if column.is_text:
        feature["type"] = "text"
    elif column.categories:
        feature |= _describe_categories(column, unknown)
    elif column.hidden_by and has_names:
        unknown["type"] = column.hidden_by
    if column.takes_nan and not column.is_text:
        feature |= {"required": False} | _describe_missing(column, feature.get("type", "float"), unknown)
    if column.example is not None and feature.get("type", "float") in ("float", "integer") and "values" not in feature:
        feature["example"] = _round_example(column.example, feature.get("type", "float"))
    return feature | ({UNKNOWN_KEY: unknown} if unknown else {})


def list_notices(columns: Sequence[InputColumn]) -> list[str]:
    """Return how features were derived, one sentence each."""
    unused = [clean_name(column.name) for column in columns if not column.is_used]
    optional = [clean_name(column.name) for column in columns if column.is_used and column.takes_nan and not column.is_text]
    open_names = [clean_name(column.name) for column in columns if column.is_open and _is_category(column)]
    notices = []
    if unused:
        notices.append(f"Columns that no step of the model uses are not part of the input: {format_names(unused)}.")
    if optional:
        notices.append(f"Optional, because the model takes missing values: {format_names(optional)}.")
    if open_names:
        notices.append(
            f"Only the categories of the training data are accepted for {format_names(open_names)}. The encoder also takes "
            'others: to accept them, set type = "text".'
        )
    return notices


def _is_category(column: InputColumn) -> bool:
    return bool(column.categories) and all(isinstance(value, str) for value in column.categories)


def _describe_categories(column: InputColumn, unknown: dict[str, str]) -> dict[str, Any]:
    """Return the type of the categories, and the values unless the encoder accepts other numbers."""
    values = column.categories
    if column.dtype is not None and column.dtype.kind == "M":
        moments = np.array(values).astype(column.dtype).astype("datetime64[s]").tolist()
        shown = [moment.isoformat() for moment in moments]
        return {"type": "datetime", "example": shown[0]} | ({} if column.is_open else {"values": shown})
    for kind, feature_type in CATEGORY_TYPES:
        if all(isinstance(value, kind) and isinstance(value, bool) == (kind is bool) for value in values):
            is_listed = feature_type == "category" or (feature_type != "boolean" and not column.is_open)
            # A text that stands for a missing value, such as "?", is in the rows of the training data, too.
            markers = [text for text in column.markers if isinstance(text, str) and text not in values]
            listed = [*values, *(markers if feature_type == "category" else ())]
            return {"type": feature_type} | ({"values": listed} if is_listed else {})
    unknown["type"] = f"its encoder has values of several types: {', '.join(map(repr, values[:4]))}"
    return {}


def _describe_missing(column: InputColumn, feature_type: str, unknown: dict[str, str]) -> dict[str, Any]:
    """Return the key `missing`. A number is NaN if it is missing, unless the artifact shows otherwise."""
    if len(column.markers) > 1:
        unknown["missing"] = f"the model was trained with several missing values: {', '.join(map(repr, column.markers))}"
        return {}
    marker = column.markers[0] if column.markers else float("nan")
    if marker is None:
        return {"missing": MISSING_NONE}
    if is_missing(marker):
        return {} if feature_type == "float" else {"missing": MISSING_NUMBER}
    is_reserved = marker in (MISSING_NONE, MISSING_NUMBER)  # such text is read from the artifact instead
    return {"missing": marker} if isinstance(marker, str | int | float) and not is_reserved else {}


def _round_example(value: float, feature_type: str) -> float:
    return round(value) if feature_type == "integer" else float(f"{value:.{EXAMPLE_DIGITS}g}")
