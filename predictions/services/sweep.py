"""Delete files that a crash left behind: files without a database row, and unfinished files."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path, PurePath, PurePosixPath
from typing import Any

from django.core.files.storage import default_storage
from django.utils import timezone

from core.fields import parse_uuid
from core.storage import TEMPORARY_FOLDER
from core.storage_errors import translate_write_errors
from core.stored_files import StoredFile
from predictions.models import BatchJob, BatchJobImage, Input
from predictions.paths import BATCH_JOB_FOLDER, INPUT_FOLDER

MAX_FILES_PER_QUERY = 500
UNFINISHED_FILE_SECONDS = 24 * 3600  # without a change


def sweep_media(*, older_than: float, dry_run: bool = False) -> list[PurePath]:
    """Delete stored files that no row refers to, and temporary files on this machine.

    Args:
        older_than: minimum age in seconds. A file is written before its row, so a new file may not have a row yet.
        dry_run: only return the paths.

    Returns:
        The paths of the files, or the names of objects in a bucket.

    Raises:
        StorageUnavailable: a file cannot be deleted, or the files cannot be listed.
    """
    orphans = list(_find_orphans(older_than))
    temporary = list(_find_older_files(default_storage.scratch, TEMPORARY_FOLDER, older_than))  # type: ignore[attr-defined]
    if not dry_run:
        for storage, names in _pair_with_storages(orphans, temporary):
            _delete(storage, names)
    return [_build_path(storage, name) for storage, names in _pair_with_storages(orphans, temporary) for name in names]


def delete_unfinished_files() -> int:
    """Delete the temporary files of uploads that a crash has ended. Return their number. A background job of the server.

    The file of an upload that is running is newer, because each chunk changes it.
    """
    storage = default_storage.scratch  # type: ignore[attr-defined]
    names = list(_find_older_files(storage, TEMPORARY_FOLDER, UNFINISHED_FILE_SECONDS))
    _delete(storage, names)
    return len(names)


def _pair_with_storages(orphans: list[str], temporary: list[str]) -> list[tuple[Any, list[str]]]:
    return [(default_storage, orphans), (default_storage.scratch, temporary)]  # type: ignore[attr-defined]


def _delete(storage: Any, names: list[str]) -> None:
    with translate_write_errors():
        for name in names:
            storage.delete(name)


def _build_path(storage: Any, name: str) -> PurePath:
    return PurePosixPath(name) if storage.is_remote else Path(storage.path(name))


def _find_orphans(older_than: float) -> Iterator[str]:
    """Yield files of inputs and batch jobs that no row refers to."""
    for folder, find_known in ((INPUT_FOLDER, find_known_inputs), (BATCH_JOB_FOLDER, find_known_job_files)):
        files = _find_older_files(default_storage, folder, older_than)
        while names := list(islice(files, MAX_FILES_PER_QUERY)):
            known = find_known(names)
            yield from (name for name in names if name not in known)


def _find_older_files(storage: Any, folder: str, older_than: float) -> Iterator[str]:
    latest_change = timezone.now() - timedelta(seconds=older_than)
    files: Iterator[StoredFile] = storage.iterate_files(folder)
    return (file.name for file in files if file.modified_at <= latest_change)


def find_known_inputs(names: Collection[str]) -> set[str]:
    """Return the names that belong to the row of an input.

    Names contain the ID of the input, which has an index. Names that are not found by it are looked for in all rows.
    """
    ids = [parsed for name in names if (parsed := parse_uuid(PurePosixPath(name).stem))]
    known = set(Input.objects.filter(pk__in=ids).values_list("image", flat=True))
    others = [name for name in names if name not in known]
    return known.union(Input.objects.filter(image__in=others).values_list("image", flat=True) if others else ())


def find_known_job_files(names: Collection[str]) -> set[str]:
    """Return the names of files and of waiting images of batch jobs. Both contain the ID of the job, which has an index."""
    parsed = (parse_uuid(Path(name).parts[1].partition(".")[0]) for name in names)
    job_ids = {job_id for job_id in parsed if job_id}
    files = BatchJob.objects.filter(pk__in=job_ids).values_list("file", flat=True)
    images = BatchJobImage.objects.filter(job__in=job_ids, file__in=names).values_list("file", flat=True)
    return {*files, *images}
