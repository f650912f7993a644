"""Find what a crash has left: files without a row (I6), and temporary and empty files (I7)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.core.files.storage import Storage
from django.utils import timezone

from core.storage import TEMPORARY_FOLDER
from predictions.models import Input
from predictions.paths import BATCH_JOB_FOLDER, INPUT_FOLDER, THUMBNAIL_FOLDER
from predictions.services.sweep import find_known_inputs, find_known_job_files
from predictions.services.verification.report import CHUNK_ROWS, Report

FindKnown = Callable[[list[str]], set[str]]


def check_leftovers(report: Report, *, older_than: float, allowed_orphans: int) -> None:
    """Check that no file is left without a row.

    Args:
        older_than: the age in seconds from which a file is reported.
        allowed_orphans: up to this number of files without a row is not reported.
    """
    storage = Input._meta.get_field("image").storage
    latest = timezone.now() - timedelta(seconds=older_than)
    orphans = list(_find_orphans(report, storage, latest))
    for name in orphans if len(orphans) > allowed_orphans else ():
        report.add("I6", f"The file {name} has no row.", id=name)
    for names in _walk(storage, TEMPORARY_FOLDER):
        for name in names:
            report.checked["temporary_files"] += 1
            if _is_older(storage, name, latest):
                report.add("I7", f"The temporary file {name} is left.", id=name)
    for names in _walk(storage, THUMBNAIL_FOLDER):
        for name in names:
            if _is_empty(storage, name):
                report.add("I7", f"The file {name} is empty.", id=name)


def _find_orphans(report: Report, storage: Storage, latest: datetime) -> Iterator[str]:
    """Yield the names of files without a row. Report those that are empty."""
    kinds: list[tuple[str, FindKnown]] = [(INPUT_FOLDER, find_known_inputs), (BATCH_JOB_FOLDER, find_known_job_files)]
    for folder, find_known in kinds:
        for names in _walk(storage, folder):
            report.checked["files"] += len(names)
            known = find_known(names)
            for name in names:
                if name in known or not _is_older(storage, name, latest):
                    continue
                if _is_empty(storage, name):
                    report.add("I7", f"The file {name} is empty.", id=name)
                else:
                    report.checked["orphan_files"] += 1
                    yield name


def _walk(storage: Storage, folder: str) -> Iterator[list[str]]:
    """Yield lists of the names of all files below a folder."""
    try:
        folders, files = storage.listdir(folder)
    except FileNotFoundError:
        return
    for start in range(0, len(files), CHUNK_ROWS):
        yield [f"{folder}/{name}" for name in files[start : start + CHUNK_ROWS]]
    for name in folders:
        yield from _walk(storage, f"{folder}/{name}")


def _is_older(storage: Storage, name: str, latest: datetime) -> bool:
    try:
        changed = storage.get_modified_time(name)
    except FileNotFoundError:  # renamed or deleted meanwhile
        return False
    return (changed if settings.USE_TZ else changed.replace(tzinfo=UTC)) <= latest


def _is_empty(storage: Storage, name: str) -> bool:
    try:
        return not storage.size(name)
    except FileNotFoundError:
        return False
