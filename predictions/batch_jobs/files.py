"""Open the stored files of batch jobs, and preview them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import IO

from django.conf import settings
from django.utils.translation import gettext

from core.storage_errors import translate_read_errors
from inference.errors import InferenceError, InvalidInput
from inference.preprocessing import read_features
from predictions.input_errors import describe_row_error
from predictions.models import BatchJob
from predictions.tables.archives import ArchiveFile
from predictions.tables.columns import Mapped, RowConverter, find_missing, get_job_table
from predictions.tables.files import TableFile, TableRow
from predictions.tables.image_tables import ImageTable
from predictions.tables.lines import replace_undecodable

ADDED_HEADER_OPTION = "has_added_header"  # of a job whose table was uploaded without a header
IMAGE_COLUMN_OPTION = "image_column"  # of a job whose file is an archive with a table and the images of its rows
MAX_PREVIEW_ROWS = 10
MAX_PREVIEW_CHARACTERS = 200  # of a cell


class JobFileMissing(InferenceError):
    """The stored file of a batch job is missing."""

    code = "stored-file-missing"

    def __init__(self) -> None:
        super().__init__(gettext("The file of the batch job is missing on the server. Upload it again."))


class JobFileRemoved(InferenceError):
    """The stored file of a batch job was removed by a retention policy."""

    code = "data-removed"

    def __init__(self) -> None:
        super().__init__(gettext("The file of the batch job was removed by the retention policy."))


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """One of the first rows of a table. `error` is why it is invalid; empty if it is valid."""

    line: int
    cells: list[str]
    error: str = ""


@dataclass(frozen=True, slots=True)
class BatchJobPreview:
    """The start of the file of a batch job, and how it is read.

    Args:
        mapping: the column of each feature, or None.
        unused: columns that the model does not use.
        missing: required features without a column. The job cannot start until there are none.
        names: the first files of an archive.
    """

    encoding: str = ""
    delimiter: str = ""
    columns: list[str] = field(default_factory=list)
    rows: list[PreviewRow] = field(default_factory=list)
    mapping: Mapped = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)


@contextmanager
def open_table(job: BatchJob) -> Iterator[TableFile]:
    """Open the table of a job, with the encoding and the delimiter that were detected when it was created.

    Raises:
        JobFileMissing, JobFileRemoved, InvalidInput, StorageUnavailable: the stored file cannot be read.
    """
    if has_image_table(job):
        with open_image_table(job) as (table, _):
            yield table
        return
    with translate_read_errors(), _open_file(job) as file:
        yield _read_table(job, file)


def has_image_table(job: BatchJob) -> bool:
    """Return whether the file of a job is an archive with a table and the images of its rows."""
    return IMAGE_COLUMN_OPTION in job.options


@contextmanager
def open_image_table(job: BatchJob) -> Iterator[tuple[TableFile, ImageTable]]:
    """Open the table of a job with its images.

    Raises:
        JobFileMissing, JobFileRemoved, InvalidInput, StorageUnavailable: the stored file cannot be read.
    """
    with open_archive(job) as archive:
        images = ImageTable(archive)
        yield _read_table(job, images.read_table()), images


@contextmanager
def open_archive(job: BatchJob) -> Iterator[ArchiveFile]:
    """Open the archive of a job.

    Raises:
        JobFileMissing, JobFileRemoved, InvalidInput, StorageUnavailable: the stored file cannot be read.
    """
    with translate_read_errors(), _open_file(job) as file:
        archive = ArchiveFile(file, size=job.size, max_members=get_max_members())
        try:
            yield archive
        finally:
            archive.close()


def get_max_members() -> int:
    """Return the maximum number of files in an archive."""
    return min(settings.MAX_ARCHIVE_MEMBERS, settings.MAX_BATCH_JOB_ITEMS)


def build_preview(job: BatchJob) -> BatchJobPreview | None:
    """Return the start of the stored file of a job; None for a job of uploaded images.

    Raises:
        JobFileMissing, JobFileRemoved, InvalidInput, StorageUnavailable: the stored file cannot be read.
    """
    if has_image_table(job):
        with open_image_table(job) as (table, images):
            return _preview_table(job, table, images)
    if job.kind == BatchJob.Kind.TABLE:
        with open_table(job) as table:
            return _preview_table(job, table)
    if job.kind == BatchJob.Kind.ARCHIVE:
        with open_archive(job) as archive:
            return BatchJobPreview(names=[member.name for member in archive.members[:MAX_PREVIEW_ROWS]])
    return None


def _open_file(job: BatchJob) -> IO[bytes]:
    if not job.file:
        raise JobFileRemoved
    try:
        file: IO[bytes] = job.file.open("rb")
    except FileNotFoundError as error:
        raise JobFileMissing from error
    return file


def _read_table(job: BatchJob, file: IO[bytes]) -> TableFile:
    table = get_job_table(job.model_version.parsed_signature.input)
    return TableFile(
        file,
        table,
        encoding=job.options["encoding"],
        delimiter=job.options["delimiter"],
        has_added_header=job.options.get(ADDED_HEADER_OPTION, False),
    )


def _preview_table(job: BatchJob, file: TableFile, images: ImageTable | None = None) -> BatchJobPreview:
    signature_input = job.model_version.parsed_signature.input
    table, mapping = get_job_table(signature_input), job.options["mapping"]
    converter = RowConverter(file, mapping, signature_input)
    used = {*mapping.values(), job.options.get(IMAGE_COLUMN_OPTION)}
    return BatchJobPreview(
        encoding=file.encoding,
        delimiter=file.delimiter,
        columns=file.columns,
        rows=[
            PreviewRow(row.line, list(map(_shorten_cell, row.cells)), _find_row_error(row, converter, job, images))
            for row in islice(file, MAX_PREVIEW_ROWS)
        ],
        mapping=mapping,
        unused=[column for column in dict.fromkeys(file.columns) if column not in used],
        missing=find_missing(mapping, table),
    )


def find_image_name(job: BatchJob, columns: Sequence[str], row: TableRow) -> str:
    """Return the cell of a valid row that names its image."""
    return row.cells[columns.index(job.options[IMAGE_COLUMN_OPTION])]


def _shorten_cell(text: str) -> str:
    return replace_undecodable(text[:MAX_PREVIEW_CHARACTERS])


def _find_row_error(row: TableRow, converter: RowConverter, job: BatchJob, images: ImageTable | None) -> str:
    signature_input = job.model_version.parsed_signature.input
    try:
        parts = converter.convert(row)
        if "text" in parts:
            signature_input.read(parts["text"])  # type: ignore[union-attr]
        else:
            read_features(parts["features"], get_job_table(signature_input))
        if images:
            images.find_image(find_image_name(job, converter.columns, row))
    except InvalidInput as error:
        return describe_row_error(error, get_job_table(signature_input).features)
    return ""
