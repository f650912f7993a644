"""Verify stored files: each has the size and the SHA-256 of its row (I2)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from django.core.files.storage import Storage

from predictions.digests import combine_image_digest
from predictions.models import BatchJob, BatchJobImage, Input
from predictions.services.verification.listed_sizes import ListedSizes
from predictions.services.verification.report import Report, iterate_chunks

READER_THREADS = 8  # of disks and of object storages, which serve several requests at a time
READ_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class ExpectedFile:
    """A file as its row describes it.

    Args:
        size: in bytes; None if the row does not contain it.
        row: the input, whose SHA-256 includes its features; None for a file whose SHA-256 is that of its bytes.
    """

    row_id: UUID | int
    name: str
    sha256: str
    size: int | None
    row: Input | None = None


def check_input_files(report: Report, *, reads_files: bool) -> None:
    """Check the files of all images that were not removed.

    Raises:
        StorageUnavailable: the bucket cannot be listed.
    """
    fields = ("pk", "kind", "image", "sha256", "size", "features")
    storage: Any = Input._meta.get_field("image").storage
    sizes = None if reads_files or not storage.is_remote else ListedSizes(storage)
    for chunk in iterate_chunks(Input.objects.filter(data_removed_at=None).exclude(image="").only(*fields)):
        files = [ExpectedFile(row.pk, str(row.image), row.sha256, row.size, row) for row in chunk]
        report.checked["image_files"] += len(files)
        if sizes:
            files = [file for file in files if sizes.find(file.name) != file.size]
        _check_files(report, storage, files, reads_files=reads_files)


def check_job_files(report: Report, *, reads_files: bool) -> None:
    """Check the files of all batch jobs, and of the images that wait in them."""
    for model, condition in ((BatchJob, {}), (BatchJobImage, {"job__completed_at": None})):
        storage = model._meta.get_field("file").storage
        for chunk in iterate_chunks(model.objects.filter(**condition).exclude(file="")):
            files = [ExpectedFile(row.pk, str(row.file), row.sha256, getattr(row, "size", None)) for row in chunk]
            report.checked["batch_job_files"] += len(files)
            _check_files(report, storage, files, reads_files=reads_files)


def _check_files(report: Report, storage: Storage, files: Iterable[ExpectedFile], *, reads_files: bool) -> None:
    with ThreadPoolExecutor(READER_THREADS) as threads:
        problems = threads.map(partial(_find_problem, storage, reads_files=reads_files), files)
        for file, problem in zip(files, problems, strict=True):
            if problem:
                report.add("I2", f"The file {file.name} {problem}.", id=file.row_id)


def _find_problem(storage: Storage, file: ExpectedFile, *, reads_files: bool) -> str:
    """Return what is wrong with a file as a phrase; empty if nothing is."""
    try:
        size, digest = _read(storage, file.name) if reads_files else (storage.size(file.name), None)
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"
    if file.size is not None and size != file.size:
        return f"has {size} bytes instead of {file.size}"
    if digest and file.row:
        digest = combine_image_digest(file.row, digest)
    return "is damaged: its SHA-256 differs" if digest and digest != file.sha256 else ""


def _read(storage: Storage, name: str) -> tuple[int, str]:
    """Return the size of a file in bytes, and its SHA-256."""
    digest, size = hashlib.sha256(), 0
    with storage.open(name) as file:
        for part in file.chunks(READ_BYTES):
            digest.update(part)
            size += len(part)
    return size, digest.hexdigest()
