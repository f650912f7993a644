"""Find a row that a model accepts, for the warm-up of the model and as an example for its users."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from inference.signature import TableInput
from inference.types import UNKNOWN_KEY, UNUSED_KEY, BatchFunction, BatchOutput, Table

SAMPLE_NUMBERS = (0, 1, 0.5)
"""Values that are tried for numbers without statistics: logarithms and reciprocals reject 0."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Features with examples, and the output for the row of examples, or the error of the last try."""

    features: list[dict[str, Any]]
    output: BatchOutput | None = None
    error: Exception | None = None


def find_sample(features: Sequence[dict[str, Any]], run: BatchFunction) -> Sample:
    """Run a model on rows of typical values until it accepts one. If types are unknown, the features stay as they are."""
    error: Exception | None = None
    if not any(UNKNOWN_KEY in feature for feature in features):
        for number in SAMPLE_NUMBERS:
            candidate = [_add_example(feature, number) for feature in features]
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    return Sample(candidate, run(_make_table(candidate)))
            # The model's code can raise any exception.
            except Exception as caught:
                error = caught
    return Sample(list(features), error=error)


def _add_example(feature: dict[str, Any], number: float) -> dict[str, Any]:
    is_number = feature.get("type", "float") in ("float", "integer") and not feature.get("values")
    if number == 0 or "example" in feature or UNUSED_KEY in feature or not is_number:
        return feature
    return {**feature, "example": round(number) or 1 if feature.get("type") == "integer" else float(number)}


def _make_table(features: Sequence[dict[str, Any]]) -> Table:
    parts = TableInput.from_dict({"features": [feature for feature in features if UNUSED_KEY not in feature]}).features
    return Table.from_rows(parts, [{part.name: part.get_sample_value() for part in parts}])
