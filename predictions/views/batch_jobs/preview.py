"""The preview of a batch job that has not started: how its file is read, and its first rows."""

from __future__ import annotations

import logging
from typing import Any, NamedTuple

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.storage_errors import StorageUnavailable
from inference.errors import InferenceError
from inference.messages import format_names
from predictions.batch_jobs.files import BatchJobPreview, build_preview
from predictions.batch_jobs.forms import ColumnsForm
from predictions.models import BatchJob
from predictions.tables.columns import get_job_table

logger = logging.getLogger(__name__)

MAX_SHOWN_COLUMNS = 30
UNREADABLE_MESSAGE = _("The stored file cannot be read. Upload it again.")


class Cell(NamedTuple):
    text: str
    is_used: bool


class ShownRow(NamedTuple):
    line: int
    cells: list[Cell]
    error: str


def has_preview(job: BatchJob) -> bool:
    return job.status == BatchJob.Status.DRAFT and job.kind != BatchJob.Kind.IMAGES


def get_preview_context(job: BatchJob, *, form: ColumnsForm | None = None, error: str = "") -> dict[str, Any]:
    """Return the context of the preview.

    Args:
        form: with the chosen columns, after they were rejected.
        error: why they were rejected.
    """
    try:
        preview = build_preview(job)
    except (InferenceError, OSError) as problem:
        logger.exception("batch job file cannot be read", extra={"job": str(job.pk)})
        return {"error": str(problem) if isinstance(problem, InferenceError | StorageUnavailable) else UNREADABLE_MESSAGE}
    if preview is None or job.kind != BatchJob.Kind.TABLE:
        return {"error": error, "preview": preview}
    form = form or build_columns_form(job, preview)
    if preview.missing and not error:
        names = [str(field.label) for field in form if form.features[field.name] in preview.missing] or preview.missing
        error = gettext("Choose a column for: %(names)s.") % {"names": format_names(names)}
    return {
        "error": error,
        "preview": preview,
        "form": form,
        "unused_columns": format_names([name or gettext("(without a name)") for name in preview.unused])
        if preview.unused
        else "",
        # Without a column for each feature, every row is invalid.
        "has_invalid_rows": not preview.missing and any(row.error for row in preview.rows),
        **_get_shown_table(preview),
    }


def build_columns_form(job: BatchJob, preview: BatchJobPreview, data: Any = None) -> ColumnsForm:
    """Return the form that chooses the column of each feature."""
    table = get_job_table(job.model_version.parsed_signature.input)
    return ColumnsForm(data, table=table, columns=preview.columns, mapping=preview.mapping)


def _get_shown_table(preview: BatchJobPreview) -> dict[str, Any]:
    """Return the first rows. Used columns come first, so that a wide table shows them."""
    unused = set(preview.unused)
    order = sorted(range(len(preview.columns)), key=lambda index: preview.columns[index] in unused)[:MAX_SHOWN_COLUMNS]
    columns = [Cell(preview.columns[index], preview.columns[index] not in unused) for index in order]
    rows = []
    for row in preview.rows:
        texts = dict(enumerate(row.cells))
        cells = [Cell(texts.get(index, ""), column.is_used) for index, column in zip(order, columns, strict=True)]
        rows.append(ShownRow(row.line, cells, row.error))
    return {
        "preview_columns": columns,
        "preview_rows": rows,
        "hidden_column_count": len(preview.columns) - len(columns),
    }
