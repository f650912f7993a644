"""Stream an Excel workbook of predictions, with a column for each feature and score of their model versions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, tzinfo
from typing import Any, NamedTuple
from uuid import UUID

from django.utils.translation import gettext

from core.database_limits import use_job_limits
from core.formatting import format_count
from core.workbooks import MAX_COLUMNS, MAX_LINKS, MAX_ROWS, create_sheet, make_cell, make_link_cell, write_workbook
from inference.errors import InferenceError
from predictions.exports.columns import flatten_row
from predictions.exports.reviews import join_tags
from predictions.exports.versions import get_exported_version
from predictions.querysets import PredictionQuerySet

LEADING_COLUMNS = (
    "created_at", "model", "model_version", "status", "label", "confidence", "value", "verdict", "true_label", "true_value",
)  # fmt: skip
OTHER_COLUMNS = (
    "labels", "true_labels", "text", "original_name", "client_reference", "user", "source", "kind", "error_code",
    "warnings", "tags", "picked_by", "reviews", "sha256", "id",
)  # fmt: skip
LINK_COLUMN = "link"
COLUMN_WIDTHS = {"created_at": 25, "model": 14, "original_name": 28, "id": 38, "text": 40}


class ExportTooLarge(InferenceError):
    """There are more predictions or columns than a sheet can have."""

    code = "too-many-rows"


class SheetSize(NamedTuple):
    """What a sheet contains.

    Args:
        row_count: without the header.
        columns: the names of the columns, of which the last one is the link.
    """

    row_count: int
    columns: Sequence[str]


def measure_sheet(predictions: PredictionQuerySet, columns: Sequence[str] = ()) -> SheetSize:
    """Return what the sheet of predictions contains.

    Args:
        columns: some columns. If empty, all data, with the features and scores of all model versions of the predictions.

    Raises:
        ExportTooLarge: a sheet cannot have as many rows or columns.
    """
    predictions = predictions.prefetch_related(None).order_by()
    with use_job_limits():  # a filter that few predictions match takes long
        count = predictions[: MAX_ROWS + 1].count()
        if count > MAX_ROWS:
            raise ExportTooLarge(
                gettext("A sheet has at most %(limit)s rows. Select fewer predictions, or export CSV or JSON Lines.")
                % {"limit": format_count(MAX_ROWS)}
            )
        columns = columns or _list_columns(set(predictions.values_list("model_version_id", flat=True).distinct()))
    if len(columns) > MAX_COLUMNS:
        raise ExportTooLarge(
            gettext("A sheet has at most %(limit)s columns. Select one model, or export CSV.")
            % {"limit": format_count(MAX_COLUMNS)}
        )
    return SheetSize(count, columns)


def _list_columns(version_ids: Iterable[UUID]) -> list[str]:
    versions = [get_exported_version(version_id) for version_id in sorted(version_ids, reverse=True)]  # the newest first
    features = dict.fromkeys(f"features.{name}" for version in versions for name in version.features)
    scores = dict.fromkeys(f"scores.{label}" for version in versions for label in version.scored_labels)
    return [*LEADING_COLUMNS, *features, *scores, *OTHER_COLUMNS, LINK_COLUMN]


def stream_sheet(rows: Iterable[dict[str, Any]], size: SheetSize, *, zone: tzinfo, url: str) -> Iterator[bytes]:
    """Yield a workbook of one sheet.

    Args:
        size: from `measure_sheet`.
        zone: the time zone of the dates, which the header names.
        url: the start of the URL of a prediction, to which its ID and a slash are added.
    """
    names = [f"{name} ({zone})" if name == "created_at" else name for name in size.columns]
    widths = [COLUMN_WIDTHS.get(name, max(12, min(len(name) + 3, 30))) for name in size.columns]
    sheet, header = create_sheet("predictions", names, widths)

    def list_cells(row: dict[str, Any]) -> list[Any]:
        values = flatten_row(row)
        values["created_at"] = datetime.fromisoformat(row["created_at"]).astimezone(zone).replace(tzinfo=None)
        values["tags"] = join_tags(row["tags"])
        link = make_link_cell(sheet, f"{url}{row['id']}/", is_formula=size.row_count > MAX_LINKS)
        return [*(make_cell(sheet, values.get(name)) for name in size.columns[:-1]), link]

    yield from write_workbook(sheet, header, map(list_cells, rows), row_count=size.row_count)
