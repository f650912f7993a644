"""The rows that drift is looked for in: at most some thousands of a window, drawn at random."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from django.db.models import Value
from django.db.models.functions import Concat

from core.fields import RandomBits
from inference.signature import Feature
from monitoring.drift.statistics import Numbers
from predictions.models import Prediction
from registry.models import ModelVersion

MOST = 5000  # rows
SORTED = 100_000  # rows up to which all are sorted
KINDS = {"float": "number", "integer": "number", "boolean": "category", "category": "category"}


@dataclass(frozen=True, slots=True)
class Column:
    """What is compared: a feature, or what the model answered.

    Args:
        source: `confidence`, `label`, `value`, or `feature`.
        kind: `number` or `category`.
        title: what people call it, if not by its name.
    """

    name: str
    source: str
    kind: str
    unit: str = ""
    title: str = ""

    @property
    def words(self) -> str:
        return self.title or self.name

    def of(self, row: dict[str, Any]) -> Any:
        found = row[self.source]
        return found.get(self.name) if self.source == "feature" else found


@dataclass(frozen=True, slots=True)
class Sample:
    """Answers of a version in a stretch of time.

    Args:
        total: how many there are.
        rows: those that were drawn, each by the sources of the columns.
    """

    start: datetime
    end: datetime
    total: int
    rows: list[dict[str, Any]] = field(default_factory=list)

    @property
    def drawn(self) -> int:
        return len(self.rows)

    def given(self, column: Column) -> list[Any]:
        """Return a column's values without those that are missing."""
        return [value for row in self.rows if (value := column.of(row)) is not None]

    def numbers(self, column: Column) -> Numbers:
        return np.array(self.given(column), np.float64)

    def categories(self, column: Column) -> Counter[str]:
        return Counter(plain(value) for value in self.given(column))

    def missing(self, column: Column) -> Counter[str]:
        """Return of how many rows the column is missing, and of how many it is given."""
        given = len(self.given(column))
        return Counter(given=given, missing=self.drawn - given)


def plain(value: Any) -> str:
    """Return a category as people write it: 2.0 as 2, true as yes."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def columns_of(version: ModelVersion) -> list[Column]:
    """Return what of a version's answers and inputs can be compared; texts cannot."""
    return [
        *_answered(version.parsed_signature.output),
        *_asked(getattr(version.parsed_signature.input, "features", ())),
    ]


def _answered(output: Any) -> Iterator[Column]:
    if output.kind == "classes":
        yield Column("confidence", "confidence", "number")
    if output.kind in ("classes", "label"):
        yield Column("label", "label", "category")
    if output.kind == "value":
        yield Column("value", "value", "number", output.unit)


def _asked(features: Iterable[Feature]) -> Iterator[Column]:
    for feature in features:
        kind = "category" if feature.values else KINDS.get(feature.type)
        if kind:
            yield Column(feature.name, "feature", kind, feature.unit, feature.display_name)


def draw(version: ModelVersion, start: datetime, end: datetime) -> Sample:
    """Draw answers from a stretch of time, each as likely as any other, in two queries.

    They are drawn by the random bits of their ids: the same question finds the same rows again.
    """
    answers = Prediction.objects.filter(
        model_version=version, status=Prediction.Status.SUCCEEDED, created_at__gte=start, created_at__lt=end
    )
    total = answers.count()
    drawn = Prediction.objects.filter(pk__in=answers.order_by(_shuffle(total)).values("pk")[:MOST])
    tabular = version.parsed_signature.input.kind == "tabular"
    fields = ["label", "confidence", "value", *(["input__features"] if tabular else [])]
    return Sample(start, end, total, [_row(*values) for values in drawn.values_list(*fields)])


def _shuffle(total: int) -> Any:
    """Return the order to draw in. Many rows are met soon on a walk along the index of that order; few are sorted sooner.

    PostgreSQL guesses wrong which; with something added to the order it has no such index.
    """
    return RandomBits("id") if total > SORTED else Concat(RandomBits("id"), Value(""))


def _row(
    label: str, confidence: float | None, value: float | None, features: dict[str, Any] | None = None
) -> dict[str, Any]:
    return {"feature": features or {}, "label": label or None, "confidence": confidence, "value": value}
