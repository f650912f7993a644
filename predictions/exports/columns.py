"""The columns that an export can have: those of all data, and those that the History page shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

FIRST_COLUMNS = ("input", "prediction", "confidence", "status", "verdict", "true_output")
LAST_COLUMNS = ("created_at", "link")
FACT_COLUMNS = {"model": ("model", "model_version"), "reference": ("client_reference",)}  # the others have their key as name
PREFIXES = {"feature": "features", "score": "scores"}


def list_shown_columns(keys: Sequence[str]) -> list[str]:
    """Return the names of the exported columns for the columns that the page shows, in the same order.

    Args:
        keys: of the columns that can be hidden. The page always shows the input, the prediction, and the time.
    """
    chosen = (name for key in keys for name in _list_names(key))
    return [*FIRST_COLUMNS, *chosen, *LAST_COLUMNS]


def _list_names(key: str) -> Sequence[str]:
    kind, separator, name = key.partition(".")
    return (f"{PREFIXES[kind]}.{name}",) if separator else FACT_COLUMNS.get(key, (key,))


def flatten_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of an exported row with each feature and score, and with one input, prediction, and true output."""
    features, scores = row["features"] or {}, get_scores(row)
    return {
        **row,
        "input": row["original_name"] or row["text"] or row["features"],
        "prediction": _get_first(row, ("label", "value", "labels")),
        "true_output": _get_first(row, ("true_label", "true_value", "true_labels")),
        **{f"features.{name}": value for name, value in features.items()},
        **{f"scores.{name}": value for name, value in scores.items()},
    }


def select_values(row: Mapping[str, Any], columns: Sequence[str], *, url: str) -> dict[str, Any]:
    """Return the values of these columns. The link is the ID and a slash after `url`."""
    values = flatten_row(row) | {"link": f"{url}{row['id']}/"}
    return {name: values.get(name) for name in columns}


def get_scores(row: Mapping[str, Any]) -> dict[str, float]:
    """Return the scores of an exported row; empty if it has none."""
    scores = (row["output"] or {}).get("scores")
    return scores if isinstance(scores, dict) else {}


def _get_first(row: Mapping[str, Any], names: Sequence[str]) -> Any:
    return next((row[name] for name in names if row[name] is not None), None)
