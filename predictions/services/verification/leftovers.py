"""Find what a crash has left: files without a row (I6), and temporary and empty files (I7)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import islice

from django.core.files.storage import default_storage
from django.utils import timezone

from core.storage import TEMPORARY_FOLDER
from core.stored_files import StoredFile
from predictions.paths import BATCH_JOB_FOLDER, INPUT_FOLDER, THUMBNAIL_FOLDER
from predictions.services.sweep import find_known_inputs, find_known_job_files
from predictions.services.verification.report import CHUNK_ROWS, Report

FindKnown = Callable[[list[str]], set[str]]


def check_leftovers(report: Report, *, older_than: float, allowed_orphans: int) -> None:
    """Check that no file is left without a row.

    Args:
        older_than: the age in seconds from which a file is reported.
        allowed_orphans: up to this number of files without a row is not reported.

    Raises:
        StorageUnavailable: the files cannot be listed.
    """
    latest = timezone.now() - timedelta(seconds=older_than)
    orphans = list(_find_orphans(report, latest))
    for name in orphans if len(orphans) > allowed_orphans else ():
        report.add("I6", f"The file {name} has no row.", id=name)
    for file in default_storage.scratch.iterate_files(TEMPORARY_FOLDER):  # type: ignore[attr-defined]
        report.checked["temporary_files"] += 1
        if file.modified_at <= latest:
            report.add("I7", f"The temporary file {file.name} is left.", id=file.name)
    for file in _iterate_files(THUMBNAIL_FOLDER):
        if not file.size:
            report.add("I7", f"The file {file.name} is empty.", id=file.name)


def _find_orphans(report: Report, latest: datetime) -> Iterator[str]:
    """Yield the names of files without a row. Report those that are empty."""
    kinds: list[tuple[str, FindKnown]] = [(INPUT_FOLDER, find_known_inputs), (BATCH_JOB_FOLDER, find_known_job_files)]
    for folder, find_known in kinds:
        listed = _iterate_files(folder)
        while files := list(islice(listed, CHUNK_ROWS)):
            report.checked["files"] += len(files)
            known = find_known([file.name for file in files])
            for file in files:
                if file.name in known or file.modified_at > latest:
                    continue
                if file.size:
                    report.checked["orphan_files"] += 1
                    yield file.name
                else:
                    report.add("I7", f"The file {file.name} is empty.", id=file.name)


def _iterate_files(folder: str) -> Iterator[StoredFile]:
    files: Iterator[StoredFile] = default_storage.iterate_files(folder)  # type: ignore[attr-defined]
    return files
