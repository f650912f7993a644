"""Stream predictions as CSV or JSON lines. Memory use does not depend on their number."""

from __future__ import annotations

import csv
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import QuerySet
from django.http import StreamingHttpResponse

from accounts.permissions import is_reviewer
from predictions.models import Prediction

logger = logging.getLogger(__name__)

ROWS_PER_FETCH = 1000
COLUMNS = (
    "id", "created_at", "model", "model_version", "status", "source", "user", "kind", "original_name", "sha256", "features",
    "label", "confidence", "value", "output", "error_code", "client_reference", "verdict", "true_label", "true_value",
    "picked_by", "reviews", "labels", "true_labels", "text",
)  # fmt: skip
# Spreadsheets evaluate cells that start with these characters as formulas, see https://owasp.org/www-community/attacks/CSV_Injection.
FORMULA_PREFIXES = ("=", "+", "-", "@", "\t", "\r")

ExportRow = Mapping[str, Any]
"""The values of one prediction by column."""


def stream_export(
    predictions: QuerySet[Prediction], *, reader: AbstractBaseUser | AnonymousUser, format_name: str
) -> StreamingHttpResponse:
    """Return a streaming download of predictions, which must be fetched `with_reviews`.

    Args:
        reader: the user who downloads; only reviewers get the names of users.
        format_name: a key of `EXPORT_FORMATS`.
    """
    export_format = EXPORT_FORMATS[format_name]
    logger.info("export", extra={"user": str(reader.pk), "format": format_name})
    return StreamingHttpResponse(
        export_format.write(iterate_rows(predictions, reader)),
        content_type=f"{export_format.content_type}; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="predictions.{format_name}"',
            "Cache-Control": "private, no-store",
        },
    )


def iterate_rows(predictions: QuerySet[Prediction], reader: AbstractBaseUser | AnonymousUser) -> Iterator[ExportRow]:
    """Yield one row per prediction.

    `verdict`, `true_label`, `true_value`, `true_labels` and `picked_by` are those of the newest active review; `reviews` is
    the number of active reviews.
    """
    shows_users = is_reviewer(reader)
    for prediction in predictions.iterator(chunk_size=ROWS_PER_FETCH):
        reviews = prediction.active_reviews
        review = reviews[0] if reviews else None
        yield {
            "id": str(prediction.pk),
            "created_at": prediction.created_at.isoformat(),
            "model": prediction.model_version.model.name,
            "model_version": prediction.model_version.number,
            "status": prediction.status,
            "source": prediction.source,
            "user": prediction.user.username if shows_users and prediction.user else None,
            "kind": prediction.input.kind,
            "original_name": prediction.input.original_name,
            "sha256": prediction.input.sha256,
            "features": {feature.name: value for feature, value in prediction.get_features()} or None,
            "text": prediction.input.text,
            "label": prediction.label or None,
            "confidence": prediction.confidence,
            "value": prediction.value,
            "output": prediction.output,
            "error_code": prediction.error_code or None,
            "client_reference": prediction.client_reference,
            "verdict": review.verdict if review else None,
            "true_label": (review.true_label or None) if review else None,
            "true_value": review.true_value if review else None,
            "picked_by": review.picked_by if review else None,
            "reviews": len(reviews),
            "labels": prediction.predicted_labels,
            "true_labels": review.true_labels if review else None,
        }


def write_jsonl(rows: Iterable[ExportRow]) -> Iterator[str]:
    """Yield each row as a line of JSON."""
    for row in rows:
        yield json.dumps(row, ensure_ascii=False) + "\n"


def write_csv(rows: Iterable[ExportRow]) -> Iterator[str]:
    """Yield a header and each row as a line of CSV (RFC 4180)."""
    writer = csv.writer(_LineBuffer())
    yield writer.writerow(COLUMNS)
    for row in rows:
        yield writer.writerow([format_cell(row[name]) for name in COLUMNS])


def format_cell(value: Any) -> Any:
    """Return a value as a CSV cell.

    Objects and lists become JSON. Text that a spreadsheet would run as a formula is prefixed with `'`.
    """
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and value.startswith(FORMULA_PREFIXES):
        return f"'{value}"
    return "" if value is None else value


class _LineBuffer:
    """A file object whose `write` returns the line, so that `csv.writer.writerow` returns it too."""

    def write(self, line: str) -> str:
        return line


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """A file format of the export."""

    content_type: str
    write: Callable[[Iterable[ExportRow]], Iterator[str]]


EXPORT_FORMATS = {
    "csv": ExportFormat("text/csv", write_csv),
    "jsonl": ExportFormat("application/jsonl", write_jsonl),
}
