"""Samples of predictions for drift detection: at most a few thousand random rows per window."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from django.db.models import Func, Value
from django.db.models.functions import Concat

from core.fields import RandomBits
from inference.signature import LabelsOutput, TextInput
from monitoring.drift.statistics import Numbers
from predictions.models import Prediction
from registry.models import ModelVersion

MAX_SAMPLE_ROWS = 5000
MAX_SORTED_ROWS = 100_000
COLUMN_KINDS = {"float": "number", "integer": "number", "boolean": "category", "category": "category"}


@dataclass(frozen=True, slots=True)
class Column:
    """A field to compare: a feature, or a part of the output.

    Args:
        source: `confidence`, `label`, `label_count`, `value`, `size`, or `feature`.
        kind: `number` or `category`.
        title: display name, if it differs from `name`.
    """

    name: str
    source: str
    kind: str
    unit: str = ""
    title: str = ""

    @property
    def display_name(self) -> str:
        return self.title or self.name

    def get_value(self, row: dict[str, Any]) -> Any:
        value = row[self.source]
        return value.get(self.name) if self.source == "feature" else value


@dataclass(frozen=True, slots=True)
class Sample:
    """Random predictions of a version in a time range.

    Args:
        total: number of predictions in the time range.
        rows: the sampled predictions, as dictionaries with the sources of the columns.
    """

    start: datetime
    end: datetime
    total: int
    rows: list[dict[str, Any]] = field(default_factory=list)

    @property
    def size(self) -> int:
        return len(self.rows)

    def get_values(self, column: Column) -> list[Any]:
        """Return the values of a column, without missing values."""
        return [value for row in self.rows if (value := column.get_value(row)) is not None]

    def get_numbers(self, column: Column) -> Numbers:
        return np.array(self.get_values(column), np.float64)

    def count_categories(self, column: Column) -> Counter[str]:
        return Counter(format_category(value) for value in self.get_values(column))

    def count_missing(self, column: Column) -> Counter[str]:
        """Return the numbers of rows with and without a value, as `present` and `missing`."""
        present = len(self.get_values(column))
        return Counter(present=present, missing=self.size - present)


def format_category(value: Any) -> str:
    """Return 2.0 as `2` and true as `yes`."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def list_columns(version: ModelVersion) -> Iterator[Column]:
    """Yield the output fields and features of a version that can be compared. Of a text, only the size is.

    Features that are text and raw JSON cannot be compared.
    """
    signature = version.parsed_signature
    is_multi_label = signature.output.kind == LabelsOutput.kind  # its predictions have no single label and no confidence
    if is_multi_label:
        yield Column("label_count", "label_count", "number", title="labels per prediction")
    elif signature.output.has_scores:
        yield Column("confidence", "confidence", "number")
    if signature.output.has_labels and not is_multi_label:
        yield Column("label", "label", "category", title="predicted label")
    if signature.output.kind == "value":
        yield Column("value", "value", "number", signature.output.unit, "predicted value")
    if isinstance(signature.input, TextInput):
        yield Column("size", "size", "number", "bytes", "text size")
        return
    for feature in signature.input.features:
        kind = "category" if feature.values else COLUMN_KINDS.get(feature.type)
        if kind:
            yield Column(feature.name, "feature", kind, feature.unit, feature.display_name)


def draw_sample(version: ModelVersion, start: datetime, end: datetime) -> Sample:
    """Draw a uniform random sample of successful predictions from a time range, in two queries.

    The random bits of the ids determine the order of the draw, so the same range always gives the same sample.
    """
    predictions = Prediction.objects.filter(
        model_version=version, status=Prediction.Status.SUCCEEDED, created_at__gte=start, created_at__lt=end
    )
    total = predictions.count()
    drawn_ids = predictions.order_by(_get_draw_order(total)).values("pk")[:MAX_SAMPLE_ROWS]
    fields = ["label", "confidence", "value"]
    signature_input, output = version.parsed_signature.input, version.parsed_signature.output
    if output.kind == LabelsOutput.kind:
        fields.append("output__labels")
    if isinstance(signature_input, TextInput):
        fields.append("input__size")  # without reading the texts themselves
    elif signature_input.features:
        fields.append("input__features")
    rows = Prediction.objects.filter(pk__in=drawn_ids).values(*fields)
    return Sample(start, end, total, [_build_row(row) for row in rows])


def _get_draw_order(total: int) -> Func:
    """Return the expression to order by.

    With many rows, reading the index of this expression is fastest; with few, sorting the rows is. PostgreSQL
    misestimates this, so for few rows the expression is changed into one without an index.
    """
    return RandomBits("id") if total > MAX_SORTED_ROWS else Concat(RandomBits("id"), Value(""))


def _build_row(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "label": row["label"] or None,
        "label_count": None if row.get("output__labels") is None else len(row["output__labels"]),
        "confidence": row["confidence"],
        "value": row["value"],
        "size": row.get("input__size"),
        "feature": row.get("input__features") or {},
    }
