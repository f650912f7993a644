"""Remove what crashes left behind: files without a row, and files that were never finished."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from django.conf import settings

from core.storage import TEMPORARY_FOLDER
from predictions.models import Input
from predictions.paths import INPUTS

AT_ONCE = 500  # files asked about in one query


def sweep_media(*, older_than: float, dry_run: bool = False) -> list[Path]:
    """Delete stored files that no input names, and temporary files; return them.

    Args:
        older_than: seconds. A file is written before its row: a younger one may still get it.
        dry_run: only tell.
    """
    root = Path(settings.MEDIA_ROOT)
    before = time.time() - older_than
    left = [*_orphans(root, before), *_older(root / TEMPORARY_FOLDER, before)]
    for path in left:
        if not dry_run:
            path.unlink(missing_ok=True)
    return left


def _orphans(root: Path, before: float) -> Iterator[Path]:
    files = _older(root / INPUTS, before)
    while paths := list(islice(files, AT_ONCE)):
        named = {path.relative_to(root).as_posix(): path for path in paths}
        known = set(Input.objects.filter(image__in=named).values_list("image", flat=True))
        yield from (path for name, path in named.items() if name not in known)


def _older(folder: Path, before: float) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if path.is_file() and path.stat().st_mtime <= before:
            yield path
