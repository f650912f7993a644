"""Create batch jobs from uploaded files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.core.files.base import File
from django.utils.translation import gettext

from accounts.models import User
from accounts.services.usage import count_predictions
from core.file_transactions import atomic_with_files
from core.formatting import format_bytes, format_count
from core.streamed_uploads import StreamedFile
from core.validators import clean_file_name
from inference.errors import InvalidInput
from inference.signature import AnyInput, ImageInput, TableInput
from predictions.batch_jobs.files import ADDED_HEADER_OPTION, IMAGE_COLUMN_OPTION, get_max_members
from predictions.batch_jobs.progress import EXPECTED_OPTION
from predictions.models import BatchJob, Prediction
from predictions.paths import get_batch_job_path
from predictions.services.batch_jobs.states import enqueue_job, get_queued_values
from predictions.tables.archives import ArchiveFile, is_archive
from predictions.tables.columns import check_columns, get_job_table, match_columns
from predictions.tables.files import TableFile
from predictions.tables.image_tables import ImageTable, find_image_column
from registry.references import ResolvedModel

MAX_COUNTED_BYTES = 16 * 2**20  # rows of larger tables are counted by the worker
Kind = BatchJob.Kind


def create_batch_job(
    *,
    user: User | None,
    resolved: ResolvedModel,
    kind: str = "",
    file: File | None = None,
    mapping: Mapping[str, str | None] | None = None,
    start: bool = True,
    expected_items: int | None = None,
    has_added_header: bool = False,
    source: str = Prediction.Source.BATCH,
    in_transaction: Callable[[BatchJob], object] | None = None,
) -> BatchJob:
    """Store a file of inputs as a batch job, and queue it. When this function returns, the file and the job are durable.

    Args:
        resolved: the version that all items are predicted with.
        kind: a `BatchJob.Kind`; empty to detect it: an archive, a table, or images if there is no file.
        file: a table or an archive; None for images, which `add_images` adds. For a model that takes an image with
            features, an archive with a table and the images that it names. The job then is a table.
        mapping: the column of some features of a table by the name of the feature; None or empty for no column. The others
            are matched by name.
        start: whether to queue the job. If not, it is a draft with a preview. A job of images is always a draft.
        expected_items: how many images the caller is going to add to a job of images.
        has_added_header: whether the caller has added the header of a table, which does not count as a line then.
        in_transaction: called with the job in the transaction that stores it. If it raises, nothing is stored.

    Raises:
        InvalidInput: the file is invalid, or the model does not take its inputs. Nothing is stored.
        StorageUnavailable: the file cannot be stored. Nothing is stored.
    """
    signature_input = resolved.version.parsed_signature.input
    kind = _choose_kind(kind, file, signature_input)
    _check_kind(kind, file, signature_input)
    if mapping and kind != Kind.TABLE:
        raise InvalidInput(gettext("Only tables have columns to map."), code="wrong-input", field="mapping")
    job = BatchJob(
        user=user,
        model_version=resolved.version,
        reference=str(resolved.reference),
        kind=kind,
        source=source,
    )
    if file is None:
        job.total_items = 0
        job.options = {EXPECTED_OPTION: expected_items} if expected_items else {}
    else:
        _inspect_file(job, file, signature_input, mapping, must_be_complete=start)
        if has_added_header:
            job.options[ADDED_HEADER_OPTION] = True
        if start:
            count_predictions(user=user, count=job.total_items or 0)  # the worker counts the rows of large tables
        _store_file(job, file)
    is_queued = start and kind != Kind.IMAGES
    for name, value in get_queued_values().items() if is_queued else ():
        setattr(job, name, value)
    with atomic_with_files(lambda: [job.file]):
        job.save(force_insert=True)
        if is_queued:
            enqueue_job(job)
        if in_transaction:
            in_transaction(job)
    return job


def _choose_kind(kind: str, file: File | None, signature_input: AnyInput) -> str:
    """Return the requested kind, or detect it. The images of a table come with the table."""
    if not kind:
        kind = Kind.IMAGES if file is None else Kind.ARCHIVE if is_archive(file) else Kind.TABLE
    return Kind.TABLE if kind == Kind.ARCHIVE and _takes_both(signature_input) else kind


def _takes_both(signature_input: AnyInput) -> bool:
    """Return whether a model takes an image with features."""
    return {"image", "features"} <= set(signature_input.parts)


def _check_kind(kind: str, file: File | None, signature_input: AnyInput) -> None:
    if kind == Kind.IMAGES and file is not None:
        raise InvalidInput(
            gettext("Create the batch job without a file, then upload the images to it."), code="wrong-input", field="file"
        )
    if kind != Kind.IMAGES and file is None:
        raise InvalidInput(
            gettext("Expected a file: a table (CSV) or a ZIP archive of images."), code="required", field="file"
        )
    if file is not None and file.size == 0:
        raise InvalidInput(gettext("The file is empty."), code="empty-file", field="file")
    if file is not None and file.size > settings.MAX_BATCH_FILE_BYTES:
        limit, size = format_bytes(settings.MAX_BATCH_FILE_BYTES), format_bytes(file.size, round_up=True)
        raise InvalidInput(
            gettext("The file is too large (%(size)s). The limit is %(limit)s.") % {"size": size, "limit": limit},
            code="file-too-large",
            field="file",
        )
    if _takes_both(signature_input) and (file is None or not is_archive(file)):
        raise InvalidInput(
            gettext("The model takes images with features. Upload a ZIP archive with the images and one table (CSV)."),
            code="wrong-input",
            field="file" if file else "model",
        )
    if kind == Kind.TABLE:
        get_job_table(signature_input)
    elif not isinstance(signature_input, ImageInput):
        raise _make_no_images_error(file)


def _make_no_images_error(file: File | None) -> InvalidInput:
    """Return the error of images, or of an archive, for a model that takes a table."""
    message = gettext("The model does not take images alone. Upload a table (CSV), or choose another model.")
    if file and is_archive(file):
        message = gettext(
            "The file is a ZIP archive or an Excel workbook, but the model takes a table. Save the table as CSV (in Excel: "
            "CSV UTF-8)."
        )
    return InvalidInput(message, code="wrong-input", field="file" if file else "model")


def _inspect_file(
    job: BatchJob,
    file: File,
    signature_input: AnyInput,
    mapping: Mapping[str, str | None] | None,
    *,
    must_be_complete: bool,
) -> None:
    """Check the structure of the file, and set how to read it and, if that is fast, the number of its items."""
    if job.kind == Kind.ARCHIVE:
        archive = ArchiveFile(file, size=file.size, max_members=get_max_members())
        job.total_items = len(archive.members)
        archive.close()
        return
    table = get_job_table(signature_input)
    if not _takes_both(signature_input):
        _inspect_table(job, file, table, mapping, must_be_complete=must_be_complete)
        return
    archive = ArchiveFile(file, size=file.size, max_members=get_max_members())
    try:
        images = ImageTable(archive)
        content = images.read_table()
    finally:
        archive.close()
    columns = _inspect_table(job, content, table, mapping, must_be_complete=must_be_complete)
    job.options[IMAGE_COLUMN_OPTION] = column = find_image_column(columns, job.options["mapping"])
    position = columns.index(column)
    rows = TableFile(content, table, encoding=job.options["encoding"], delimiter=job.options["delimiter"])
    images.check_size(row.cells[position] for row in rows if row.error is None)


def _inspect_table(
    job: BatchJob, file: File, table: TableInput, mapping: Mapping[str, str | None] | None, *, must_be_complete: bool
) -> list[str]:
    """Set how to read a table and, if that is fast, the number of its rows. Return its columns."""
    table_file = TableFile(file, table)
    mapped = match_columns(table_file.columns, table, mapping)
    if must_be_complete:
        check_columns(table_file.columns, mapped, table)
    job.options = {"encoding": table_file.encoding, "delimiter": table_file.delimiter, "mapping": mapped}
    if file.size <= MAX_COUNTED_BYTES:
        job.total_items = sum(1 for _ in table_file)
        check_item_count(job.total_items)
    return table_file.columns


def check_item_count(count: int) -> None:
    """Check the number of rows of a table.

    Raises:
        InvalidInput: there are none, or too many.
    """
    if not count:
        raise InvalidInput(gettext("The table has a header but no rows."), code="no-rows", field="file")
    if count > settings.MAX_BATCH_JOB_ITEMS:
        raise InvalidInput(
            gettext("The table has %(count)s rows. The limit is %(limit)s.")
            % {"count": format_count(count), "limit": format_count(settings.MAX_BATCH_JOB_ITEMS)},
            code="too-many-items",
            field="file",
        )


def _store_file(job: BatchJob, file: File) -> None:
    """Make the file durable before the row of the job is written."""
    job.original_name, job.size = clean_file_name(file.name), file.size
    name = get_batch_job_path(job, job.original_name)
    if isinstance(file, StreamedFile):
        job.sha256 = file.sha256
        job.file = file.store(name)
        return
    job.sha256 = hash_file(file)
    file.seek(0)
    job.file.save(job.original_name, file, save=False)


def hash_file(file: Any) -> str:
    """Return the SHA-256 of a file."""
    file.seek(0)
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    return digest.hexdigest()
