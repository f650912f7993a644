"""Delete files that a crash left behind: files without a database row, and unfinished files."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path, PurePosixPath

from django.conf import settings

from core.fields import parse_uuid
from core.storage import TEMPORARY_FOLDER
from predictions.models import BatchJob, BatchJobImage, Input
from predictions.paths import BATCH_JOB_FOLDER, INPUT_FOLDER

MAX_FILES_PER_QUERY = 500
UNFINISHED_FILE_SECONDS = 24 * 3600  # without a change


def sweep_media(*, older_than: float, dry_run: bool = False) -> list[Path]:
    """Delete stored files that no row refers to, and temporary files; return their paths.

    Args:
        older_than: minimum age in seconds. A file is written before its row, so a new file may not have a row yet.
        dry_run: only return the paths.
    """
    root = Path(settings.MEDIA_ROOT)
    latest_change = time.time() - older_than
    paths = [*_find_orphans(root, latest_change), *_find_older_files(root / TEMPORARY_FOLDER, latest_change)]
    if not dry_run:
        for path in paths:
            path.unlink(missing_ok=True)
    return paths


def delete_unfinished_files() -> int:
    """Delete the temporary files of uploads that a crash has ended. Return their number. A background job of the server.

    The file of an upload that is running is newer, because each chunk changes it.
    """
    folder = Path(settings.MEDIA_ROOT, TEMPORARY_FOLDER)
    paths = list(_find_older_files(folder, time.time() - UNFINISHED_FILE_SECONDS))
    for path in paths:
        path.unlink(missing_ok=True)
    return len(paths)


def _find_orphans(root: Path, latest_change: float) -> Iterator[Path]:
    """Yield files of inputs and batch jobs that no row refers to."""
    for folder, find_known in ((INPUT_FOLDER, find_known_inputs), (BATCH_JOB_FOLDER, find_known_job_files)):
        files = _find_older_files(root / folder, latest_change)
        while paths := list(islice(files, MAX_FILES_PER_QUERY)):
            by_name = {path.relative_to(root).as_posix(): path for path in paths}
            known = find_known(by_name)
            yield from (path for name, path in by_name.items() if name not in known)


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


def _find_older_files(folder: Path, latest_change: float) -> Iterator[Path]:
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):  # it was renamed or deleted meanwhile
            if path.is_file() and path.stat().st_mtime <= latest_change:
                yield path
