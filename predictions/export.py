"""Predictions as lines of CSV or JSON, one after the other: memory does not grow with their number."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import QuerySet

from accounts.permissions import is_reviewer
from predictions.models import Prediction, Review

AT_ONCE = 1000  # rows fetched together
COLUMNS = (
    "id", "created_at", "model", "model_version", "status", "source", "user", "kind", "original_name", "sha256", "features",
    "label", "confidence", "value", "output", "error_code", "client_reference", "verdict", "true_label", "true_value",
    "picked_by", "reviews",
)  # fmt: skip
# What a spreadsheet takes for a formula at the beginning of a cell, https://owasp.org/www-community/attacks/CSV_Injection.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def attachment(suffix: str) -> dict[str, str]:
    """Return the headers that make an answer a file to keep, and nobody else's."""
    return {"Content-Disposition": f'attachment; filename="predictions.{suffix}"', "Cache-Control": "private, no-store"}


def export_rows(predictions: QuerySet[Prediction], reader: AbstractBaseUser | AnonymousUser) -> Iterator[dict[str, Any]]:
    """Yield one dictionary per prediction, by column.

    `verdict` and the truth are those of the newest opinion that holds; `reviews` is how many hold. Users are named to
    reviewers only.
    """
    everybody = is_reviewer(reader)
    for one in predictions.iterator(chunk_size=AT_ONCE):
        opinions: list[Review] = one.active_reviews
        opinion = opinions[0] if opinions else None
        yield {
            "id": str(one.pk),
            "created_at": one.created_at.isoformat(),
            "model": one.model_version.model.name,
            "model_version": one.model_version.number,
            "status": one.status,
            "source": one.source,
            "user": one.user.username if everybody and one.user else None,
            "kind": one.input.kind,
            "original_name": one.input.original_name,
            "sha256": one.input.sha256,
            "features": {feature.name: value for feature, value in one.get_features()} or None,
            "label": one.label or None,
            "confidence": one.confidence,
            "value": one.value,
            "output": one.output,
            "error_code": one.error_code or None,
            "client_reference": one.client_reference,
            "verdict": opinion.verdict if opinion else None,
            "true_label": (opinion.true_label or None) if opinion else None,
            "true_value": opinion.true_value if opinion else None,
            "picked_by": opinion.picked_by if opinion else None,
            "reviews": len(opinions),
        }


def as_jsonl(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yield each row as a line of JSON."""
    for row in rows:
        yield json.dumps(row, ensure_ascii=False) + "\n"


def as_csv(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yield a header, and each row as a line of CSV (RFC 4180). A text that a spreadsheet would run is quoted by `'`."""
    writer = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    for row in rows:
        yield writer.writerow([cell(row[name]) for name in COLUMNS])


def cell(value: Any) -> Any:
    """Return a value as a cell of CSV: JSON for an object, and a text that a spreadsheet would run after a `'`."""
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return "" if value is None else value


class _Echo:
    """What csv writes to: it gives each line back."""

    def write(self, line: str) -> str:
        return line
