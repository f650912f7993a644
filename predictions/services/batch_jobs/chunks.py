"""Divide the work of a batch job into chunks of items. Each chunk is one batch and one transaction.

A worker extends its lease after each chunk. The chunks of a slow model therefore have fewer items: what the measured rate
allows in a part of the lease. Otherwise, the worker would lose each chunk with the lease, and the job would never progress.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import count, islice
from typing import cast

from django.conf import settings
from django.core.files.base import ContentFile

from core.leases import LEASES_PER_CHUNK
from core.storage_errors import translate_read_errors
from core.validators import MAX_FILE_NAME_CHARACTERS, clean_file_name
from inference.errors import InvalidInput
from inference.preprocessing import read_pixel_count
from predictions.batch_jobs.files import find_image_name, has_image_table, open_archive, open_image_table, open_table
from predictions.batch_jobs.progress import RATE_OPTION
from predictions.models import BatchJob, BatchJobImage, BatchJobItem, Input, Prediction
from predictions.services.batch import BatchItem, BatchResult
from predictions.services.batch_jobs.states import list_failed_items
from predictions.services.stored_files import StoredFileError, read_stored_file
from predictions.tables.archives import ArchiveFile, Member
from predictions.tables.columns import RowConverter
from predictions.tables.files import TableRow
from predictions.tables.image_tables import ImageTable

MAX_CHUNK_ROWS = 500
MAX_CHUNK_CELLS = 200_000  # limits the memory of tables with thousands of columns
MAX_CHUNK_BYTES = 16 * 2**20  # of image files
MAX_CHUNK_PIXELS = 50_000_000  # of decoded images
FIRST_CHUNK_ITEMS = 4  # if the rate is not known, or if the last worker made no progress
DECIMAL_MARK_OPTION = "decimal_mark"


@dataclass(frozen=True, slots=True)
class JobItem:
    """One item of a batch job to predict.

    Args:
        name: the line of a row with the name of its image, if it has one, or the file name of an image.
        content: the input, or why it is not accepted.
        stored: the row of an item that is predicted again.
        size: in bytes, for images.
        pixels: of an image.
    """

    number: int
    name: str
    content: BatchItem | InvalidInput
    stored: BatchJobItem | None = None
    size: int = 0
    pixels: int = 0


@dataclass(frozen=True, slots=True)
class Chunk:
    """Items that are stored together, and options of the job that are stored with them."""

    items: list[JobItem]
    options: dict[str, object]


def iterate_chunks(job: BatchJob) -> Iterator[Chunk]:
    """Yield what is left of a job, in the order of its file. The options of the job have the rate after each chunk.

    Raises:
        InvalidInput, StorageUnavailable: the stored file cannot be read.
    """
    if has_image_table(job):
        yield from _iterate_image_table(job)
    elif job.kind == BatchJob.Kind.TABLE:
        yield from _iterate_table(job)
    elif job.kind == BatchJob.Kind.ARCHIVE:
        yield from _iterate_archive(job)
    else:
        yield from _iterate_images(job)


def iterate_retries(job: BatchJob, first_number: int) -> Iterator[Chunk]:
    """Yield the items whose prediction failed, from a number on, in order."""
    max_items = settings.MAX_BATCH if job.kind != BatchJob.Kind.TABLE else MAX_CHUNK_ROWS
    while True:
        size = _limit_items(job, max_items)
        failed = list_failed_items(job).filter(number__gte=first_number).select_related("prediction__input")
        rows = list(failed.order_by("number")[:size])
        if not rows:
            return
        first_number = rows[-1].number + 1
        for items in _divide_images(job, map(_build_retry, rows)):
            yield Chunk(items, {})


def get_next_number(job: BatchJob) -> int:
    """Return the number of the first item that is not stored. Tables and archives are stored in order."""
    last = BatchJobItem.objects.filter(job=job).order_by("-number").values_list("number", flat=True).first()
    return (last or 0) + 1


def _limit_items(job: BatchJob, max_items: int) -> int:
    """Return the number of items of the next chunk."""
    rate = job.options.get(RATE_OPTION) if job.attempts <= 1 else None
    size = FIRST_CHUNK_ITEMS if rate is None else int(rate * settings.BATCH_JOB_LEASE_SECONDS * LEASES_PER_CHUNK)
    return max(1, min(max_items, size))


def build_item_row(job: BatchJob, item: JobItem, result: BatchResult | None) -> BatchJobItem:
    """Return the row of an item: a new one, or the stored one of an item that is predicted again.

    Raises:
        Overloaded: the model was too busy for the item.
    """
    row = item.stored or BatchJobItem(job=job, number=item.number, name=item.name)
    error = result.error if result else item.content
    row.prediction = result.prediction if result else None
    row.error_code = row.error_message = ""
    if isinstance(error, InvalidInput):
        prefix = f"{item.name}: " if job.kind == BatchJob.Kind.TABLE else ""
        row.error_code, row.error_message = error.code, prefix + error.message
    elif isinstance(error, Exception):
        raise error
    return row


def _iterate_table(job: BatchJob) -> Iterator[Chunk]:
    with open_table(job) as table:
        mark = str(job.options.get(DECIMAL_MARK_OPTION, ""))
        signature_input = job.model_version.parsed_signature.input
        converter = RowConverter(table, job.options["mapping"], signature_input, mark)
        max_rows = min(MAX_CHUNK_ROWS, MAX_CHUNK_CELLS // len(table.columns))
        first = get_next_number(job)
        rows = iter(table)
        for _ in islice(rows, first - 1):
            pass
        numbers = count(first)
        while chunk := list(islice(rows, _limit_items(job, max_rows))):
            items = []
            for row in chunk:
                try:
                    content: BatchItem | InvalidInput = BatchItem(**converter.convert(row))
                except InvalidInput as error:
                    content = error
                items.append(JobItem(next(numbers), f"Line {row.line}", content))
            yield Chunk(items, {DECIMAL_MARK_OPTION: converter.decimal_mark})


def _iterate_image_table(job: BatchJob) -> Iterator[Chunk]:
    with open_image_table(job) as (table, images):
        mark = str(job.options.get(DECIMAL_MARK_OPTION, ""))
        converter = RowConverter(table, job.options["mapping"], job.model_version.parsed_signature.input, mark)
        first = get_next_number(job)
        rows = enumerate(islice(table, first - 1, None), first)
        for items in _divide_images(job, (_read_row(job, converter, images, number, row) for number, row in rows)):
            yield Chunk(items, {DECIMAL_MARK_OPTION: converter.decimal_mark})


def _read_row(job: BatchJob, converter: RowConverter, images: ImageTable, number: int, row: TableRow) -> JobItem:
    """Return the features and the image of a row, or the error of its line."""
    name = f"Line {row.line}"
    try:
        features = converter.convert(row)["features"]
        member = images.find_image(find_image_name(job, converter.columns, row))
        file = images.read_image(member, max_bytes=settings.MAX_UPLOAD_BYTES)
    except InvalidInput as error:
        return JobItem(number, name, error)
    item = _build_image(number, f"{name}, {member.name}"[:MAX_FILE_NAME_CHARACTERS], file)
    return replace(item, content=BatchItem(image=file, features=features))


def _iterate_archive(job: BatchJob) -> Iterator[Chunk]:
    with open_archive(job) as archive:
        first = get_next_number(job)
        members = enumerate(archive.members[first - 1 :], first)
        for items in _divide_images(job, (_read_member(archive, number, member) for number, member in members)):
            yield Chunk(items, {})


def _iterate_images(job: BatchJob) -> Iterator[Chunk]:
    while images := list(BatchJobImage.objects.filter(job=job).order_by("number")[: settings.MAX_BATCH]):
        for items in _divide_images(job, map(_read_image, images)):
            yield Chunk(items, {})


def _divide_images(job: BatchJob, items: Iterable[JobItem]) -> Iterator[list[JobItem]]:
    """Yield lists of images that fit into memory together."""
    chunk: list[JobItem] = []
    size = pixels = 0
    max_items = _limit_items(job, settings.MAX_BATCH)
    for item in items:
        size, pixels = size + item.size, pixels + item.pixels
        if chunk and (len(chunk) >= max_items or size > MAX_CHUNK_BYTES or pixels > MAX_CHUNK_PIXELS):
            yield chunk
            max_items = _limit_items(job, settings.MAX_BATCH)
            chunk, size, pixels = [], item.size, item.pixels
        chunk.append(item)
    if chunk:
        yield chunk


def _read_member(archive: ArchiveFile, number: int, member: Member) -> JobItem:
    try:
        file = archive.read(member, max_bytes=settings.MAX_UPLOAD_BYTES)
    except InvalidInput as error:
        return JobItem(number, member.name, error)
    return _build_image(number, member.name, file)


def _read_image(image: BatchJobImage) -> JobItem:
    try:
        with translate_read_errors(), image.file.open("rb") as file:
            data = file.read()
    except FileNotFoundError:
        error = InvalidInput("The uploaded file is missing on the server.", code="stored-file-missing", field="image")
        return JobItem(image.number, image.name, error)
    return _build_image(image.number, image.name, ContentFile(data, name=image.name or "image"))


def _build_image(number: int, name: str, file: ContentFile, stored: BatchJobItem | None = None) -> JobItem:
    pixels = read_pixel_count(file)
    return JobItem(number, name, BatchItem(image=file), stored, file.size, pixels)


def _build_retry(item: BatchJobItem) -> JobItem:
    """Return a stored item with its input, to predict it again."""
    row = cast(Prediction, item.prediction).input
    if row.kind not in (Input.Kind.IMAGE, Input.Kind.IMAGE_TABULAR):
        content = BatchItem(text=row.text) if row.kind == Input.Kind.TEXT else BatchItem(features=row.features)
        return JobItem(item.number, item.name, content, item)
    try:
        file = ContentFile(read_stored_file(row), name=clean_file_name(row.original_name) or "image")
    except StoredFileError as error:
        return JobItem(item.number, item.name, InvalidInput(error.message, code=error.code, field="image"), item)
    image = _build_image(item.number, item.name, file, item)
    return replace(image, content=BatchItem(image=file, features=row.features))
